"""Whom and what a rehearsal records: a learner who does not exist."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bridge.model import Completion, Identity, Origin


def made_up_learner(origin: Origin) -> Identity:
    """Return a learner whom nobody has."""
    match origin:
        case Origin.MOODLE:
            return Identity(origin, 2**62 + secrets.randbelow(2**62))
        case Origin.FUNMOOC:
            return Identity(origin, f"progress-bridge-probe-{uuid.uuid4()}")
    return Identity(origin, uuid.uuid4())


def made_up_completion(identity: Identity) -> Completion:
    """Return a completion of now, with every value, at an instant that needs its milliseconds."""
    now = datetime.now(UTC).replace(microsecond=789_000)
    return Completion(identity, "bridge-probe", "module", "sequence", now)


def earlier(completion: Completion) -> Completion:
    """Return the same completion, the least that there is earlier."""
    return replace(completion, completed_at=completion.completed_at - timedelta(milliseconds=1))
