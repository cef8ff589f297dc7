"""Learners that nobody else in the run uses: how tests share one server without meeting."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bridge import Completion, Identity

NOON: Final = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def somebody(origin: str = "direct") -> Identity:
    """Make up a learner who was never seen before."""
    ids = {
        "direct": lambda: str(uuid.uuid4()),
        "moodle": lambda: secrets.randbelow(2**62) + 1,
        "funmooc": lambda: secrets.token_hex(16),
    }
    return Identity(origin, ids[origin]())


def done(who: Identity, grain: str = "grain-1", hours: float = 0, **more: Any) -> Completion:
    """Make a completion some hours after (or, negative, before) a fixed noon."""
    return Completion(who, grain, completed_at=NOON + timedelta(hours=hours), **more)
