"""What the platform is told: of completion, of the grade, and of what the block is."""

import json

import pytest
from xblock.completable import XBlockCompletionMode

from bridge import StoreUnavailable
from progress_xblock import ProgressXBlock


@pytest.fixture
def graded(course):
    course.fields |= {"counts_for_grade": True, "weight": 2.5}
    return course


def grades(course):
    return [event for name, event in course.published if name == "grade"]


def test_it_is_completed_by_its_own_word_alone():
    assert ProgressXBlock.has_custom_completion
    assert ProgressXBlock.completion_mode == XBlockCompletionMode.COMPLETABLE


def test_without_the_authors_wish_nothing_is_graded(course):
    course.click()
    assert grades(course) == []
    assert course.block().has_score is False


def test_a_full_grade_is_given_once(graded):
    graded.click()
    graded.click()
    assert grades(graded) == [{"value": 1.0, "max_value": 1.0, "only_if_higher": True}]


@pytest.mark.parametrize(("late", "given"), [(True, 0), (False, 1)])
def test_after_the_due_date_no_points_are_given(graded, late, given):
    block = graded.block()
    block.has_deadline_passed = lambda: late  # of edx-platform's InheritanceMixin
    assert graded.handler("complete", block=block).json["state"] == "done"
    assert ("completion", {"completion": 1.0}) in graded.published
    assert len(grades(graded)) == given


def test_a_graded_block_says_what_it_is_worth(graded):
    block = graded.block()
    assert (block.has_score, block.max_score(), block.weight) == (True, 1.0, 2.5)


def test_a_grade_does_not_wait_for_the_store(graded, store):
    store.error = StoreUnavailable("refused")
    graded.click()
    graded.handler("send_pending")
    assert len(grades(graded)) == 1


def test_the_platform_finds_that_it_may_score():
    """Open edX asks the class first: ``possibly_scored`` in ``lms/djangoapps/grades/scores.py``."""
    assert getattr(ProgressXBlock, "has_score", False)


def test_no_setting_is_named_like_an_inherited_one():
    """Of ``InheritableFieldsMixin``, those that a subsection or course would put into the block."""
    inherited = {
        *("graded", "start", "due", "relative_weeks_due", "visible_to_staff_only"),
        *("course_edit_method", "giturl", "xqa_key", "graceperiod", "group_access", "showanswer"),
        *("show_correctness", "rerandomize", "days_early_for_beta", "static_asset_path"),
        *("use_latex_compiler", "max_attempts", "matlab_api_key", "user_partitions"),
        *("video_speed_optimizations", "video_auto_advance", "video_bumper", "show_reset_button"),
        *("edxnotes", "edxnotes_visibility", "in_entrance_exam", "self_paced", "hide_from_toc"),
    }
    assert inherited.isdisjoint(ProgressXBlock.fields)


def test_search_finds_what_the_author_wrote(course):
    course.fields |= {"display_name": "Bilan", "button_text": "J’ai fini", "sequence_id": ""}
    found = course.block().index_dictionary()
    assert found["content"] == {
        "display_name": "Bilan",
        "grain_id": "grain-1",
        "module_id": "m1",
        "button_text": "J’ai fini",
    }
    assert found["content_type"] == "Progress"


def test_apps_are_told_of_no_learner(course, store):
    store.error = StoreUnavailable("refused")
    before = course.block().student_view_data()
    course.click()
    assert course.block().student_view_data() == before
    assert before == {
        "grain_id": "grain-1",
        "module_id": "m1",
        "sequence_id": None,
        "complete_on": "click",
    }
    json.dumps(before)


def test_mobile_apps_may_show_the_learners_view(course):
    block = course.block()
    assert block.has_support(block.student_view, "multi_device")
