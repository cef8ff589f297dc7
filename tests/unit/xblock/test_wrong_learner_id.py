"""While a setting keeps the learner's id from being known, no click is lost."""

import pytest

from bridge import Identity
from tests.unit.xblock.conftest import COURSE_ID, PLATFORM_ID, user_service

LEARNER = Identity("funmooc", PLATFORM_ID)


class NoMapping:
    """``XBLOCK_SETTINGS`` itself is a list: edX's service asks it for ``get``."""

    def get_settings_bucket(self, block):
        return [].get("ProgressXBlock", {})


WRONG = {
    "a learner_id that does not exist": {"learner_id": "both"},
    "a learner_id that is a list": {"learner_id": ["platform"]},
    "a text": "redis://127.0.0.1",
    "a list": [{"outbox": {}}],
    "a number": 7,
    "an empty list": [],
}


@pytest.fixture(params=WRONG)
def wrong(request, course):
    mended = course.block_settings
    course.block_settings = WRONG[request.param]
    return mended


def test_a_held_click_is_completed_for_the_platform(course, store, wrong, caplog):
    face = course.click()
    assert (face["state"], course.published) == ("held", [("completion", {"completion": 1.0})])
    assert "cannot be recorded for now" in face["message"]
    assert store.calls == 0
    (record,) = [r for r in caplog.records if r.name.startswith("progress_xblock")]
    assert "completions are kept until this is mended" in record.getMessage()


def test_the_page_lets_the_learner_click(course, wrong):
    face = course.visit()
    assert (face["state"], face["active"], face["message"]) == ("none", True, "Not done yet.")


def test_once_mended_it_is_recorded_as_it_was(course, store, wrong):
    instant = course.click()["completed_at"]
    course.fields["grain_id"] = "grain-2"  # the author changes it meanwhile
    course.block_settings = wrong
    assert course.visit()["unsent"]
    assert course.handler("send_pending").json["state"] == "done"
    (row,) = store.progress(LEARNER)
    assert (row.grain_id, row.completed_at.isoformat()) == ("grain-1", instant)


def test_what_waited_before_keeps_its_id(course, store, wrong):
    wrong, course.block_settings = course.block_settings, wrong
    store.error = RuntimeError("a bug")
    course.click()
    course.block_settings = wrong
    assert course.handler("send_pending").json["state"] == "held"
    assert course.block().pending["external_user_id"] == PLATFORM_ID


def test_settings_of_all_blocks_may_be_wrong(course, store, monkeypatch):
    monkeypatch.setattr(course, "has_settings", True)
    block = course.block()
    block.runtime._services["settings"] = NoMapping()
    assert course.handler("complete", block=block).json["state"] == "held"


@pytest.mark.parametrize(
    "nobody",
    [{"is_authenticated": False}, {"is_authenticated": True, "anonymous_user_id": "student"}],
)
def test_nobody_stays_nobody(course, wrong, nobody):
    course.users = user_service(**nobody)
    assert course.click()["state"] == "blocked"
    assert course.published == []


def test_one_known_id_is_enough_to_keep(course, wrong):
    course.users = user_service(is_authenticated=True, anonymous_user_id=COURSE_ID)
    assert course.click()["state"] == "held"


def test_a_platform_that_knows_no_id_is_said(course, wrong, caplog):
    course.users = user_service(is_authenticated=True)
    assert course.click()["state"] == "blocked"
    assert "does not give any" in caplog.text
