"""The LMS's table of learners' states, by the block's type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.db.models import Q  # type: ignore[import-untyped]

from progress_xblock.pending import BATCH, Kept
from progress_xblock.texts import WAITING

BLOCK_TYPE: Final = "progress"
"""The entry point's name, by which courses know the block."""


class StudentModules:
    """Rows of ``StudentModule`` in which something waits.

    Args:
        model: ``lms.djangoapps.courseware.models.StudentModule``.
    """

    def __init__(self, model: Any) -> None:
        self._rows = model.objects.filter(module_type=BLOCK_TYPE)

    def __iter__(self) -> Iterator[Kept]:
        """Each of them, read a batch at a time, so that no query stays open."""
        # The LMS writes states with `json.dumps`, whose quotes no text of a learner can hold.
        found = Q()
        for state in WAITING:
            found |= Q(state__contains=f'"state": "{state.value}"')
        last = 0
        while batch := list(self._rows.filter(found, pk__gt=last).order_by("pk")[:BATCH]):
            for row in batch:
                yield Kept(row.pk, str(row.module_state_key), row.state)
            last = batch[-1].pk

    def save(self, kept: Kept, state: str) -> bool:
        """Put this state in place of the one that was read; whether it was still the same."""
        same = self._rows.filter(pk=kept.key, state=kept.state)
        return bool(same.update(state=state))
