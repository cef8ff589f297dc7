"""What a learner is handed when they ask for their data: the same shape from every store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bridge.model import Learner, Progress


def isoformat(instant: datetime | None) -> str | None:
    """ISO 8601 in UTC to the millisecond, with a ``Z``: ``2026-01-31T12:00:00.000Z``."""
    if instant is None:
        return None
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def progress_as_json(progress: Progress) -> dict[str, str | None]:
    """One row of the record, as every JSON answer of the bridge shows it."""
    return {
        "grain_id": progress.grain_id,
        "module_id": progress.module_id,
        "sequence_id": progress.sequence_id,
        "completed_at": isoformat(progress.completed_at),
    }


def learner_as_json(learner: Learner, progress: Iterable[Progress]) -> dict[str, Any]:
    """The whole record; the form that `Store.export` promises."""
    return {
        "learner": {
            "origin": str(learner.identity.origin),
            "external_user_id": learner.identity.external_user_id,
            "email": learner.email,
            "date_creation": isoformat(learner.date_creation),
        },
        "progress": [progress_as_json(row) for row in progress],
    }
