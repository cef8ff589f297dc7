"""What a learner's click does, on XBlock's own test runtime."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from webob import Request

from bridge import (
    Completion,
    ConfigurationError,
    Identity,
    Outcome,
    StoreMisconfigured,
    StoreUnavailable,
)
from progress_xblock.settings import bridge_for, click_settings

LEARNER = Identity("funmooc", "0123456789abcdef0123456789abcdef")
COMPLETION = ("completion", {"completion": 1.0})


def rows(store, identity=LEARNER):
    return store.progress(identity)


def test_before_the_click_nothing_is_done(course):
    face = course.visit()
    assert (face["state"], face["active"], face["button"]) == ("none", True, "Mark as done")


def test_a_click_records_grain_module_and_sequence(course, store):
    course.fields["sequence_id"] = "s1"
    course.click()
    (row,) = rows(store)
    assert (row.grain_id, row.module_id, row.sequence_id) == ("grain-1", "m1", "s1")


def test_empty_ids_are_recorded_as_absent(course, store):
    course.fields["module_id"] = ""
    course.click()
    (row,) = rows(store)
    assert (row.module_id, row.sequence_id) == (None, None)


def test_a_reload_still_says_done(course):
    face = course.click()
    assert face["state"] == "done"
    assert not face["active"]
    assert course.visit() == face


def test_state_and_row_have_the_same_instant(course, store):
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    instant = datetime.fromisoformat(course.click()["completed_at"])
    assert before <= instant <= datetime.now(UTC)
    assert rows(store)[0].completed_at == instant


def test_ten_clicks_make_one_row_and_event(course, store):
    faces = [course.click() for _ in range(10)]
    assert len(rows(store)) == 1
    assert course.published == [COMPLETION]
    assert store.calls == 1
    assert all(face == faces[0] for face in faces)


def test_ten_requests_at_once_make_one_row(course, tmp_path, monkeypatch):
    course.block_settings = {"store": {"url": f"sqlite:///{tmp_path}/progress.db"}}
    monkeypatch.setattr("progress_xblock.sending.bridge_for", bridge_for)
    blocks = [course.block() for _ in range(10)]
    assert {block.state for block in blocks} == {"none"}  # read before the first one writes
    together = Barrier(len(blocks))

    def click(block):
        together.wait()
        return course.handler("complete", block=block).json["state"]

    with ThreadPoolExecutor(len(blocks)) as requests:
        assert set(requests.map(click, blocks)) == {"done"}
    assert len(rows(bridge_for(click_settings(course.block_settings)).store)) == 1


def test_a_click_sends_what_waits_without_a_grain(course, store):
    store.error = StoreUnavailable("refused")
    course.click()
    store.error = None
    course.fields["grain_id"] = ""
    assert course.visit()["active"]
    assert course.click()["state"] == "done"
    assert [row.grain_id for row in rows(store)] == ["grain-1"]


def test_only_the_fact_comes_from_the_browser(course, store):
    body = {"grain_id": "forged", "completed_at": "2001-01-01T00:00:00Z", "user": "somebody"}
    course.handler("complete", body)
    (row,) = rows(store)
    assert row.grain_id == "grain-1"
    assert row.completed_at.year > 2001


@pytest.mark.parametrize("handler", ["complete", "send_pending", "launch", "submit_studio_edits"])
def test_a_body_nested_too_deep_is_refused(course, store, handler):
    block = course.block()
    answer = block.handle(handler, Request.blank("/", method="POST", body=b"[" * 100_000))
    assert (answer.status_code, store.calls) == (400, 0)
    assert answer.json == {"error": "the body is nested more than 64 levels deep"}


@pytest.mark.parametrize("handler", ["complete", "send_pending"])
def test_a_handler_accepts_post_only(course, store, handler):
    assert course.handler(handler, method="GET").status_code == 405
    assert rows(store) == []


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (StoreUnavailable("refused"), "pending"),
        (StoreMisconfigured("401"), "held"),
        (ConfigurationError("store.url: missing"), "held"),
    ],
)
class TestWhileTheStoreDoesNotTakeIt:
    def test_the_click_is_answered_and_kept(self, course, store, error, state):
        store.error = error
        response = course.handler("complete")
        assert response.status_code == 200
        assert response.json["state"] == state
        assert "Your work is saved here" in response.json["message"]

    def test_the_platform_is_told_at_once_and_once(self, course, store, error, state):
        store.error = error
        course.click()
        course.click()
        store.error = None
        course.handler("send_pending")
        assert course.published == [COMPLETION]

    def test_the_next_visit_sends_the_original_instant(self, course, store, error, state):
        store.error = error
        instant = course.click()["completed_at"]
        store.error = None
        assert course.visit()["state"] == state
        face = course.handler("send_pending").json
        assert (face["state"], face["completed_at"]) == ("done", instant)
        assert rows(store)[0].completed_at.isoformat() == instant

    def test_another_click_sends_it_with_the_original_instant(self, course, store, error, state):
        store.error = error
        instant = course.click()["completed_at"]
        assert course.click()["completed_at"] == instant
        store.error = None
        assert course.click()["state"] == "done"
        assert rows(store)[0].completed_at.isoformat() == instant

    def test_one_line_is_logged_that_names_no_learner(self, course, store, error, state, caplog):
        store.error = error
        course.click()
        (record,) = [r for r in caplog.records if r.name.startswith("progress_xblock")]
        assert str(error) in record.getMessage()
        assert record.exc_info is None
        assert LEARNER.external_user_id not in caplog.text


@pytest.mark.parametrize("handler", ["complete", "send_pending"])
def test_what_is_pending_keeps_its_ids(course, store, handler):
    store.error = StoreUnavailable("refused")
    course.click()
    store.error = None
    course.fields["grain_id"] = "another-grain"
    course.handler(handler)
    assert [row.grain_id for row in rows(store)] == ["grain-1"]


@pytest.mark.parametrize("handler", ["complete", "send_pending"])
def test_a_later_outage_never_undoes_done(course, store, handler):
    done = course.click()
    store.error = StoreUnavailable("refused")
    assert course.handler(handler).json == done
    assert course.visit() == done


def test_there_is_nothing_to_send_before_the_click(course, store):
    assert course.handler("send_pending").json["state"] == "none"
    assert store.calls == 0


def test_a_grain_recorded_elsewhere_is_done(course, store):
    early = datetime(2020, 1, 1, tzinfo=UTC)
    store.record([Completion(LEARNER, "grain-1", completed_at=early)])
    assert course.click()["state"] == "done"
    assert [row.completed_at for row in rows(store)] == [early]


def test_a_refused_completion_is_said_refused(course, store, monkeypatch):
    monkeypatch.setattr(store, "record", lambda completions: [Outcome.rejected("too long")])
    face = course.click()
    assert (face["state"], face["active"]) == ("refused", True)
    assert "cannot be passed on" in face["message"]


def test_a_retried_refusal_keeps_its_instant(course, store):
    course.fields["grain_id"] = "x" * 256
    refused = course.click()
    assert refused["state"] == "refused"
    course.fields["grain_id"] = "mended"
    assert course.click()["state"] == "done"
    (row,) = rows(store)
    assert (row.grain_id, row.completed_at.isoformat()) == ("mended", refused["completed_at"])


def test_without_a_grain_nothing_is_recorded(course, store):
    course.fields["grain_id"] = ""
    assert course.visit()["state"] == "blocked"
    face = course.click()
    assert "not set up yet" in face["message"]
    assert (store.calls, course.published) == (0, [])


def test_markup_in_a_title_is_not_obeyed(course):
    course.fields["display_name"] = "<script>alert(1)</script>"
    assert "<script>" not in course.html()
    assert "&lt;script&gt;" in course.html()
