"""The LMS's table of learners' states, by the block's type, and the learners' anonymous ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from django.db.models import Q

from bridge.origins.funmooc import LearnerId
from progress_xblock.pending import BATCH_SIZE, LearnerState, forgotten, is_forgotten
from progress_xblock.states import WAITING_STATES, State

BLOCK_TYPE: Final = "progress"
"""The entry point's name, by which courses know the block."""

# The LMS writes states with `json.dumps`, whose quotes no text of a learner can hold.
_HOLDS_COMPLETION: Final = '"pending": {"'
"""What a state holds that keeps a completion, whatever the name of the state."""


class StudentModules:
    """Rows of ``StudentModule``, and what waits in them.

    Args:
        model: ``lms.djangoapps.courseware.models.StudentModule``.
        anonymous_ids: ``common.djangoapps.student.models.AnonymousUserId``, or None where there
            is none: then no id is known to be the learner's, nor not to be.
        learner_id: which of the ids stands for a learner.
    """

    def __init__(
        self, model: Any, anonymous_ids: Any = None, learner_id: LearnerId = LearnerId.PLATFORM
    ) -> None:
        self._rows = model.objects.filter(module_type=BLOCK_TYPE)
        self._anonymous_ids = anonymous_ids
        self._learner_id = learner_id

    def __iter__(self) -> Iterator[LearnerState]:
        """Give what waits, read a batch at a time, so that no query stays open."""
        found = Q(state__contains=_HOLDS_COMPLETION)
        for state in WAITING_STATES:
            found |= Q(state__contains=f'"state": "{state.value}"')
        waiting = self._rows.filter(found).exclude(
            state__contains=f'"state": "{State.REFUSED.value}"'
        )
        last = 0
        while batch := list(waiting.filter(pk__gt=last).order_by("pk")[:BATCH_SIZE]):
            yield from self._states_of(batch)
            last = batch[-1].pk

    def save(self, kept: LearnerState, state: str) -> bool:
        """Put this state in place of the one that was read, if it is still the same.

        Returns:
            Whether it was.
        """
        same = self._rows.filter(pk=kept.key, state=kept.state)
        return bool(same.update(state=state))

    def is_forgotten(self, kept: LearnerState) -> bool:
        """Return whether the learner was erased since the state was read."""
        return any(is_forgotten(row.state) for row in self._rows.filter(pk=kept.key))

    def has_any(self, user_id: int) -> bool:
        """Return whether the learner has a state of the block, of whatever kind."""
        return bool(self._rows.filter(student_id=user_id).exists())

    def forget(self, user_id: int) -> None:
        """Forget what waits in a learner's states."""
        for row in self._rows.filter(student_id=user_id).exclude(state=None):
            while (state := forgotten(row.state)) is not None:
                if self._rows.filter(pk=row.pk, state=row.state).update(state=state):
                    break
                row.refresh_from_db()

    def _states_of(self, batch: list[Any]) -> Iterator[LearnerState]:
        ids = self._ids_of({row.student_id for row in batch}) if self._anonymous_ids else None
        for row in batch:
            usage = str(row.module_state_key)
            if ids is None:
                yield LearnerState(row.pk, usage, row.state)
                continue
            course = row.course_id if self._learner_id is LearnerId.COURSE else None
            learners = ids[row.student_id]
            own = learners.get(str(course or ""))
            yield LearnerState(row.pk, usage, row.state, frozenset(learners.values()), own)

    def _ids_of(self, users: Iterable[int]) -> Mapping[int, Mapping[str, str]]:
        """Return their anonymous ids by course, the platform-wide one under the empty text."""
        found: dict[int, dict[str, str]] = defaultdict(dict)
        # Of several for the same course the last is in force (`anonymous_id_for_user`), and the
        # others stay known by their own names.
        for record in self._anonymous_ids.objects.filter(user_id__in=users).order_by("id"):
            course, learners = str(record.course_id or ""), found[record.user_id]
            if course in learners:
                learners[f"{course} {record.id}"] = learners[course]
            learners[course] = record.anonymous_user_id
        return found
