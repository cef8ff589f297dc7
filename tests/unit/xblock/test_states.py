"""What a learner's state may hold that this version did not write."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from xblock.fields import ScopeIds

from bridge import Identity, StoreUnavailable
from progress_xblock import ProgressXBlock
from tests.unit.xblock.conftest import PLATFORM_ID

WHEN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
KEPT = {
    "origin": "funmooc",
    "external_user_id": PLATFORM_ID,
    "grain_id": "grain-0",
    "completed_at": WHEN.isoformat(),
}
NONSENSE = [None, "", "queued", 7, 1e400, True, [], {}, ["done"], {"a": 1}, "\x00", "9" * 400]
NAMES = ("state", "completed_at", "pending", "untold")


def put(course, **values):
    """Put values into the learner's state as the LMS keeps them, unseen by the fields."""
    block = course.block()
    for name, value in values.items():
        block._field_data.set(block, name, value)


def see_all(course):
    """Use every view and handler, and return the last face."""
    for view in ("student_view", "author_view", "public_view", "studio_view"):
        getattr(course.block(), view)()
    for handler in ("launch", "send_pending", "complete"):
        response = course.handler(handler)
        assert response.status_code == 200
    return response.json


@pytest.mark.parametrize("value", NONSENSE, ids=repr)
@pytest.mark.parametrize("name", NAMES)
def test_nonsense_breaks_nothing(course, name, value):
    put(course, **{name: value})
    assert see_all(course)["state"] == "done"


@pytest.mark.parametrize("value", NONSENSE, ids=repr)
def test_nonsense_throughout_is_not_done(course, value):
    put(course, **dict.fromkeys(NAMES, value))
    assert course.visit()["state"] in ("none", "pending")
    assert see_all(course)["state"] == "done"


@pytest.mark.parametrize("state", ["queued", "", None, 7])
def test_an_unknown_state_with_a_completion_is_kept(course, store, caplog, state):
    put(course, state=state, pending=KEPT)
    face = course.visit()
    assert (face["state"], face["unsent"]) == ("pending", True)
    assert "none that this version knows" in caplog.text or "cannot be read" in caplog.text
    assert course.handler("send_pending").json["state"] == "done"
    (row,) = store.progress(Identity("funmooc", PLATFORM_ID))
    assert (row.grain_id, row.completed_at) == ("grain-0", WHEN)


def test_an_unknown_state_without_completion_is_none(course):
    put(course, state="queued")
    face = course.visit()
    assert (face["state"], face["active"]) == ("none", True)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Done. Your progress is recorded."),
        ("fr", "Terminé. Votre progression est enregistrée."),
    ],
)
def test_done_without_an_instant_names_no_day(course, language, words):
    course.language = language
    put(course, state="done")
    assert course.visit()["message"] == words
    assert f">{words}<" in course.html()


@pytest.mark.parametrize("state", ["pending", "held", "refused", "accepted"])
def test_no_state_without_an_instant_names_a_day(course, state):
    put(course, state=state, pending=KEPT)
    assert course.visit()["message"].startswith("Done. ")


@pytest.mark.parametrize("instant", ["2024-05-06T07:08:09", 5, None, "yesterday"])
def test_a_wrong_instant_is_made_anew(course, store, instant):
    put(
        course,
        state="pending",
        completed_at=WHEN.isoformat(),
        pending=KEPT | {"completed_at": instant},
    )
    assert course.handler("send_pending").json["state"] == "done"
    (row,) = store.progress(Identity("funmooc", PLATFORM_ID))
    assert (row.grain_id, row.completed_at) == ("grain-1", WHEN)


def test_an_instant_ahead_of_the_clock_is_kept(course, store):
    """It was valid where the clock was; what was to be sent of it cannot be read any more."""
    ahead = datetime.now(UTC) + timedelta(minutes=10)
    put(course, state="pending", completed_at=ahead.isoformat(), pending={"grain_id": 7})
    assert course.handler("send_pending").json["state"] == "pending"
    assert store.calls == 0
    with time_machine.travel(ahead):
        assert course.handler("send_pending").json["state"] == "done"


def test_a_look_at_nonsense_changes_nothing(course):
    put(course, state="queued", completed_at="never", pending="all", untold="both")
    block = course.block()
    block.student_view()
    block.save()
    values = [block._field_data.get(block, name) for name in NAMES]
    assert values == ["queued", "never", "all", "both"]


class TestAnotherLearnersPage:
    """Staff look at the course as a specific learner."""

    @pytest.fixture
    def look(self, course, users, store):
        def look(state):
            if state != "none":
                store.error = StoreUnavailable("refused") if state == "pending" else None
                course.click()
            calls = store.calls
            course.users = users(
                is_authenticated=True,
                deprecated_anonymous_user_id=PLATFORM_ID,
                django_user=type("Masked", (), {"real_user": "staff"}),
            )
            face = course.visit()
            assert course.click() == face
            assert course.handler("send_pending").json == face
            assert store.calls == calls
            return face

        return look

    def test_the_block_is_shown(self):
        assert ProgressXBlock.show_in_read_only_mode

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            ("none", "Not done yet."),
            ("pending", "will be passed on automatically"),
            ("done", "Your progress is recorded."),
        ],
    )
    def test_their_real_state_is_shown(self, look, state, words):
        face = look(state)
        assert words in face["message"]
        assert "nothing is recorded for them" in face["message"]
        assert face["state"] == ("blocked" if state == "none" else state)
        assert (face["active"], face["unsent"]) == (False, False)


def test_a_runtime_without_users_is_not_asked(course, store):
    block = course.block()
    block.scope_ids = ScopeIds(None, "progress", "def", "usage")
    assert course.handler("complete", block=block).json["state"] == "done"
