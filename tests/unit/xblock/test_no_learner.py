"""When there is no learner to record for: each row of the design's Open edX section."""

from collections import namedtuple
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from bridge import Identity

PLATFORM_ID = "0123456789abcdef0123456789abcdef"
COURSE_ID = "fedcba9876543210fedcba9876543210"
BOTH = {"anonymous_user_id": COURSE_ID, "deprecated_anonymous_user_id": PLATFORM_ID}
Usage = namedtuple("Usage", "course_key")
MASKED = SimpleNamespace(real_user=SimpleNamespace(username="staff"))


def not_logged_in(course, users):
    course.users = users(is_authenticated=False)


def studio_preview(course, users):
    course.users = users(is_authenticated=True, anonymous_user_id="student")


def studio_with_real_ids(course, users):
    course.author_mode = True


def library_authoring(course, users):
    course.has_settings = False


def masquerading(course, users):
    course.users = users(is_authenticated=True, **BOTH, django_user=MASKED)


def viewing_as_a_learner(course, users):
    """Look as staff do who chose "View this course as: Learner": the ids are their own."""
    role = SimpleNamespace(role="student", user_name=None)
    course.usage = Usage("course-v1:a")
    course.users = users(
        is_authenticated=True,
        **BOTH,
        django_user=SimpleNamespace(masquerade_settings={"course-v1:a": role}),
    )


def no_platform_wide_id(course, users):
    course.users = users(is_authenticated=True, anonymous_user_id=COURSE_ID)


def no_id_of_the_course(course, users):
    course.block_settings["learner_id"] = "course"
    course.users = users(is_authenticated=True, deprecated_anonymous_user_id=PLATFORM_ID)


def an_id_against_the_rules(course, users):
    course.users = users(is_authenticated=True, deprecated_anonymous_user_id="a b")


def a_wrong_learner_id_setting(course, users):
    course.block_settings["learner_id"] = "both"


def a_request_that_another_site_made(course, users):
    course.users = users(is_authenticated=True, **BOTH, django_user=SimpleNamespace(known=False))


def the_user_of_another_request(course, users):
    course.users = users(is_authenticated=True, **BOTH, django_user=SimpleNamespace(id="u2"))


def no_user_service(course, users):
    course.users = None


NOBODY = {
    not_logged_in: "Sign in to keep your progress.",
    studio_preview: "Preview: nothing is recorded from here.",
    studio_with_real_ids: "Preview: nothing is recorded from here.",
    library_authoring: "Preview: nothing is recorded from here.",
    masquerading: "nothing is recorded for them",
    viewing_as_a_learner: "nothing is recorded for you",
    no_platform_wide_id: "does not tell us who you are",
    no_id_of_the_course: "does not tell us who you are",
    an_id_against_the_rules: "does not tell us who you are",
    a_request_that_another_site_made: "Sign in to keep your progress.",
    the_user_of_another_request: "does not tell us who you are",
    no_user_service: "does not tell us who you are",
}


@pytest.fixture(params=NOBODY, ids=lambda situation: situation.__name__)
def situation(request, course, users):
    request.param(course, users)
    return NOBODY[request.param]


def test_the_page_says_why_nothing_is_recorded(course, situation):
    face = course.visit()
    assert situation in face["message"]
    assert (face["state"], face["active"]) == ("blocked", False)


def test_a_click_records_nothing_and_says_why(course, store, situation):
    face = course.click()
    assert situation in face["message"]
    assert (store.calls, course.published, face["completed_at"]) == (0, [], None)


def test_nothing_that_waits_is_sent(course, store, users, situation):
    block = course.block()
    block.state = "pending"
    block.completed_at = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    block.pending = {"grain_id": "grain-1"}
    block.save()
    course.handler("send_pending")
    assert store.calls == 0
    assert course.block().state == "pending"


@pytest.mark.parametrize("broken", [no_platform_wide_id, a_wrong_learner_id_setting])
def test_what_is_to_mend_is_one_line(course, users, caplog, broken):
    broken(course, users)
    course.click()
    (record,) = [r for r in caplog.records if r.name.startswith("progress_xblock")]
    assert "learner_id" in record.getMessage()
    assert COURSE_ID not in record.getMessage()


def test_a_wrong_id_is_logged_without_value(course, users, caplog):
    course.users = users(is_authenticated=True, deprecated_anonymous_user_id="camille @home")
    course.click()
    assert "nothing can be recorded" in caplog.text
    assert "camille" not in caplog.text


def test_the_courses_id_is_used_when_set(course, store):
    course.block_settings["learner_id"] = "course"
    course.click()
    assert len(store.progress(Identity("funmooc", COURSE_ID))) == 1
    assert store.progress(Identity("funmooc", PLATFORM_ID)) == []


def test_a_masquerade_sees_what_is_done(course, users):
    course.click()
    masquerading(course, users)
    assert course.visit()["state"] == "done"


def test_a_masquerade_elsewhere_does_not_matter_here(course, users, store):
    viewing_as_a_learner(course, users)
    course.usage = Usage("course-v1:b")
    assert course.click()["state"] == "done"


def test_staff_are_recorded_as_any_learner(course, users, store):
    viewing_as_a_learner(course, users)
    masquerade = course.users._django_user.masquerade_settings["course-v1:a"]
    masquerade.role = "staff"
    assert course.click()["state"] == "done"
