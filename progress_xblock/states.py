"""How far a learner's completion has come, and what completes a grain."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """How far a learner's completion has come."""

    NONE = "none"
    PENDING = "pending"  # kept here, not recorded yet: the next visit sends it
    HELD = "held"  # the same, and first somebody has to mend a setting or the store
    REFUSED = "refused"  # the store refuses it, and would again
    ACCEPTED = "accepted"  # safe in the outbox, which passes it on
    DONE = "done"  # in the learner's record


class CompleteOn(StrEnum):
    """What completes the grain."""

    CLICK = "click"  # the learner says so
    SEEN = "seen"  # the block was on the screen for `seen_seconds`
    PAGE = "page"  # the embedded page says so


DONE_STATES: Final = frozenset({State.ACCEPTED, State.DONE})
"""Nothing is left to do for the learner, nor for the block."""

WAITING_STATES: Final = frozenset({State.PENDING, State.HELD})
"""The next visit sends it."""
