"""What the platform is told of: that the block is completed, and the grade."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from django.db import transaction

from progress_xblock.base import BaseMixin, UnexpectedError

COMPLETION: Final = "completion"
GRADE: Final = "grade"

_NOT_TAKEN: Final = {
    COMPLETION: "the platform takes no completion, and is told again on the learner's next visit",
    GRADE: "the platform takes no grade, and is told again on the learner's next visit",
}

FULL_GRADE: Final = {"value": 1.0, "max_value": 1.0, "only_if_higher": True}
"""Of the block's weight. A grade that staff raised is not lowered."""

_FULL_GRADE_UNCOMPARED: Final = {"value": 1.0, "max_value": 1.0}
"""The same for a learner who has a state already: Open edX compares with its grade, and raises
where there is none yet (``compare_scores`` in ``openedx/core/lib/grade_utils.py``)."""


class TellingMixin(BaseMixin):
    """What the platform hears of a completion, once and whatever the bridge does with it.

    What it could not be told is told on the learner's next visit: while its completion tracking is
    off it takes nothing and says nothing, and what hangs on a grade may fail.
    """

    @property
    def has_score(self) -> bool:
        """Return whether this very block counts for the grade.

        Asked of the class it is true, as it has to be: Open edX looks there for types that can
        have a score (``possibly_scored`` in ``lms/djangoapps/grades/scores.py``), then asks each
        block (``GradesTransformer``).
        """
        return bool(self.counts_for_grade)

    def max_score(self) -> float:
        """Return the raw score of whoever completes it, of which `weight` is the worth."""
        return FULL_GRADE["max_value"]

    def _tell_platform(self) -> None:
        """Tell of the completion, and of the grade unless it comes too late for one."""
        graded = self.has_score and not self._is_past_due()
        self._tell([COMPLETION, GRADE] if graded else [COMPLETION], FULL_GRADE)

    def _tell_platform_again(self) -> None:
        """Tell of what it could not be told before."""
        if self.untold:
            self._tell(self.untold, _FULL_GRADE_UNCOMPARED)

    def _tell(self, news: Iterable[str], grade: Mapping[str, Any]) -> None:
        """Tell of each, and keep as untold what the platform does not take.

        So is news of a newer version, which this one does not know.
        """
        told = [name for name in news if name in _NOT_TAKEN and self._tell_one(name, grade)]
        self.untold = [name for name in news if name not in told]

    def _tell_one(self, name: str, grade: Mapping[str, Any]) -> bool:
        """Tell of one of them, and return whether the platform has taken it."""
        try:
            with _savepoint():
                if name == GRADE:
                    self.runtime.publish(self, "grade", dict(grade))
                    return True
                self.emit_completion(1.0)
                return self._tracks_completions()
        except Exception as error:  # noqa: BLE001  # the platform's; the learner's state is kept
            self._log_throttled(logging.ERROR, _NOT_TAKEN[name], UnexpectedError(error))
            return False

    def _can_tell_again(self) -> bool:
        """Return whether the platform would take now what it could not be told before."""
        return GRADE in self.untold or (COMPLETION in self.untold and self._tracks_completions())

    def _tracks_completions(self) -> bool:
        """Return whether the platform keeps completions.

        Where it has no service to say so, it is believed to.
        The service is edx-completion's (``completion/services.py``).
        """
        service: Any = self.runtime.service(self, "completion")
        try:
            return service is None or bool(service.completion_tracking_enabled())
        except Exception as error:  # noqa: BLE001  # the platform's; the learner's state is kept
            self._log_throttled(
                logging.ERROR,
                "the platform does not say whether it keeps completions",
                UnexpectedError(error),
            )
            return False

    def _is_past_due(self) -> bool:
        """Return whether the due date is over, which the platform leaves to each block to ask.

        With the days of grace and the learner's own pace, as ``InheritanceMixin`` in edx-platform's
        ``modulestore/inheritance.py`` counts them.
        """
        has_deadline_passed = getattr(self, "has_deadline_passed", None)
        try:
            return bool(has_deadline_passed and has_deadline_passed())
        except Exception as error:  # noqa: BLE001  # such as a year 9999 and three days of grace
            self._log_throttled(
                logging.ERROR, "the due date is taken for one to come", UnexpectedError(error)
            )
            return False


def _savepoint() -> AbstractContextManager[Any]:
    """Make a savepoint, so that an error of the platform's base costs no learner's state.

    Without it Django refuses every further query of the request, which is one transaction.
    """
    return transaction.atomic() if transaction.get_connection().in_atomic_block else nullcontext()
