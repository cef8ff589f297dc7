"""What only an LMS has: learners' states, their ids, its completions and its grades.

Its modules are imported when they are used: the block runs elsewhere, too.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from bridge.origins.funmooc import LearnerId
from progress_xblock.student_modules import StudentModules


def student_modules(learner_id: LearnerId = LearnerId.PLATFORM) -> StudentModules:
    """Return learners' states of the block.

    Raises:
        ImportError: this is no LMS.
    """
    from lms.djangoapps.courseware.models import StudentModule

    return StudentModules(StudentModule, _anonymous_ids(), learner_id)


def anonymous_ids(user: Any) -> set[str]:
    """Return every anonymous id that the platform ever gave a user, in whichever course."""
    from common.djangoapps.student.models import anonymous_id_for_user

    known = (
        _anonymous_ids().objects.filter(user_id=user.id).values_list("anonymous_user_id", flat=True)
    )
    return {anonymous_id_for_user(user, None), *known}


def _anonymous_ids() -> Any:
    try:
        from common.djangoapps.student.models import AnonymousUserId
    except ImportError:
        return None
    return AnonymousUserId


def forget_completion(anonymous_id: str, usage: str, *, graded: bool) -> None:
    """Take back what the platform was told of a learner's completion of a block.

    Args:
        anonymous_id: any of the learner's.
        usage: the block's key.
        graded: whether the learner's grade is to be counted anew, once their state is gone.
    """
    from common.djangoapps.student.models import user_by_anonymous_id
    from completion.models import BlockCompletion
    from completion.waffle import ENABLE_COMPLETION_TRACKING_SWITCH
    from opaque_keys.edx.keys import UsageKey

    user, key = user_by_anonymous_id(anonymous_id), UsageKey.from_string(usage)
    if user is None:
        return
    if ENABLE_COMPLETION_TRACKING_SWITCH.is_enabled():
        BlockCompletion.objects.submit_completion(user=user, block_key=key, completion=0.0)
    else:
        BlockCompletion.objects.filter(user=user, block_key=key).delete()
    if graded:
        transaction.on_commit(lambda: _count_grade_anew(user, key))


def _count_grade_anew(user: Any, key: Any) -> None:
    """Ask for the learner's grade to be counted without the block's score.

    ``reset_student_attempts`` does so for blocks that do not have ``clear_student_state``
    (``_fire_score_changed_for_block`` in ``lms/djangoapps/instructor/enrollment.py``).
    """
    from lms.djangoapps.grades.api import constants, signals

    signals.PROBLEM_RAW_SCORE_CHANGED.send(
        sender=None,
        raw_earned=0,
        raw_possible=1.0,
        weight=None,
        user_id=user.id,
        course_id=str(key.context_key),
        usage_id=str(key),
        score_deleted=True,
        only_if_higher=False,
        modified=datetime.now(UTC),
        score_db_table=constants.ScoreDatabaseTableEnum.courseware_student_module,
    )
