"""What the platform could not be told at once, it is told on the next visit."""

from types import SimpleNamespace

import pytest
from django.db import IntegrityError

from bridge import StoreUnavailable

COMPLETION = ("completion", {"completion": 1.0})


@pytest.fixture
def graded(course):
    course.fields |= {"counts_for_grade": True}
    return course


def tracking(course, enabled):
    course.completion = SimpleNamespace(completion_tracking_enabled=lambda: enabled)


@pytest.mark.parametrize("error", [IntegrityError("a secret"), RuntimeError("a secret")])
def test_an_error_of_the_platform_loses_no_state(graded, store, error, caplog):
    graded.publishing_raises = error
    response = graded.handler("complete")
    assert (response.status_code, response.json["state"]) == (200, "done")
    assert store.calls == 1
    assert "is told again on the learner's next visit" in caplog.text
    assert "a secret" not in caplog.text


def test_what_was_not_taken_is_told_again(graded):
    graded.publishing_raises = RuntimeError("full")
    graded.click()
    graded.publishing_raises = None
    assert graded.visit()["unsent"]
    graded.handler("send_pending")
    assert [name for name, _ in graded.published] == ["completion", "grade"]
    assert not graded.visit()["unsent"]
    graded.handler("send_pending")
    assert len(graded.published) == 2


def test_a_grade_in_time_survives_the_due_date(graded):
    graded.publishing_raises = RuntimeError("full")
    graded.click()
    graded.publishing_raises = None
    block = graded.block()
    block.has_deadline_passed = lambda: True
    graded.handler("send_pending", block=block)
    assert "grade" in dict(graded.published)


def test_a_tick_is_given_once_tracking_is_on(course):
    tracking(course, enabled=False)
    course.click()
    assert not course.visit()["unsent"]  # as long as it is off, no visit costs a request
    tracking(course, enabled=True)
    assert course.visit()["unsent"]
    course.handler("send_pending")
    assert course.published == [COMPLETION, COMPLETION]
    assert not course.visit()["unsent"]


def test_the_tick_does_not_wait_for_the_store(course, store):
    tracking(course, enabled=False)
    store.error = StoreUnavailable("refused")
    course.click()
    tracking(course, enabled=True)
    course.handler("send_pending")
    assert course.published == [COMPLETION, COMPLETION]
    assert course.block().state == "pending"


def test_a_service_that_raises_loses_no_state(course, store):
    def raises():
        raise IntegrityError("a secret")

    course.completion = SimpleNamespace(completion_tracking_enabled=raises)
    assert course.click()["state"] == "done"
    assert course.block().untold == ["completion"]
    assert course.visit()["state"] == "done"
    course.completion = SimpleNamespace()  # one that does not even have the question
    assert course.handler("send_pending").json["state"] == "done"


def test_a_due_date_that_overflows_loses_no_click(graded):
    block = graded.block()

    def overflows():
        raise OverflowError("date value out of range")

    block.has_deadline_passed = overflows
    assert graded.handler("complete", block=block).json["state"] == "done"
    assert "grade" in dict(graded.published)


def test_news_of_another_version_is_left_alone(course):
    course.click()
    block = course.block()
    block.untold = ["badge", "completion"]
    block.save()
    course.publishing_raises = RuntimeError("full")
    course.handler("send_pending")
    assert course.block().untold == ["badge", "completion"]
    course.publishing_raises = None
    course.handler("send_pending")
    assert course.block().untold == ["badge"]


def test_another_versions_state_gives_its_tick(course):
    block = course.block()
    block.state, block.completed_at, block.pending = (
        "queued",
        None,
        {
            "origin": "funmooc",
            "external_user_id": "0123456789abcdef0123456789abcdef",
            "grain_id": "g",
            "completed_at": "2024-05-06T07:08:09+00:00",
        },
    )
    block.save()
    assert course.handler("send_pending").json["state"] == "done"
    assert course.published == [COMPLETION]


def test_with_tracking_on_a_tick_is_told_once(course):
    tracking(course, enabled=True)
    course.click()
    course.handler("send_pending")
    assert course.published == [COMPLETION]
