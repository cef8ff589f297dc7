"""What the platform team has to know, said once a minute however many learners click."""

from __future__ import annotations

import logging
import time
from typing import Final

from bridge import InvalidIdentity

INTERVAL: Final = 60.0
"""Seconds between two lines about the same kind of trouble, in each process."""

_log: Final = logging.getLogger("progress_xblock")
_last_logged: Final[dict[tuple[str, str], float]] = {}


def log_throttled(level: int, usage: object, what: str, error: Exception) -> None:
    """Log the error in one line, unless one of its kind was logged less than a minute ago.

    Args:
        level: of `logging`.
        usage: the block it happened in.
        what: what it means for the learner's completion, in words.
        error: its text is shown, so it must be one that holds nothing secret. Of a learner's id
            that breaks a rule the rule alone is shown.
    """
    kind, now = (type(error).__name__, what), time.monotonic()
    if now - _last_logged.get(kind, -INTERVAL) >= INTERVAL:
        _last_logged[kind] = now
        why = error.rule if isinstance(error, InvalidIdentity) else error
        _log.log(level, "%s: %s: %s", usage, what, why)


def forget() -> None:
    """Log everything anew, for tests and for whoever has mended something."""
    _last_logged.clear()
