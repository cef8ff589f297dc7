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


def test_what_the_platform_did_not_take_is_told_again_once(graded):
    graded.publishing_raises = RuntimeError("full")
    graded.click()
    graded.publishing_raises = None
    assert graded.visit()["unsent"]
    graded.handler("send_pending")
    assert [name for name, _ in graded.published] == ["completion", "grade"]
    assert not graded.visit()["unsent"]
    graded.handler("send_pending")
    assert len(graded.published) == 2


def test_a_grade_in_time_is_given_after_the_due_date(graded):
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


def test_with_tracking_on_a_tick_is_told_once(course):
    tracking(course, enabled=True)
    course.click()
    course.handler("send_pending")
    assert course.published == [COMPLETION]
