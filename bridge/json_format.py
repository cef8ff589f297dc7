"""How the bridge writes and reads instants, and what a learner is handed of their data in JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from bridge.model import Learner, Progress


def isoformat(instant: datetime | None) -> str | None:
    """Write an instant in UTC to the millisecond: ``2026-01-31T12:00:00.000Z`` (ISO 8601)."""
    if instant is None:
        return None
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_instant(text: object) -> datetime:
    """Read an instant in ISO 8601.

    Returns:
        The instant, naive where the text names no time zone. That one is needed is the rule of
        `Completion`, which says so.

    Raises:
        ValueError: it is not one.
    """
    if not isinstance(text, str):
        raise ValueError("not a string")
    return datetime.fromisoformat(text)


def parse_stored_instant(value: str | datetime | None) -> datetime | None:
    """Return an instant that a store holds, in UTC.

    Args:
        value: as the store gives it. What has no time zone is taken to be in UTC.
    """
    if value is None:
        return None
    instant = value if isinstance(value, datetime) else parse_instant(value)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def progress_as_json(progress: Progress) -> dict[str, str | None]:
    """Return one row of the record, as every JSON answer of the bridge shows it."""
    return {
        "grain_id": progress.grain_id,
        "module_id": progress.module_id,
        "sequence_id": progress.sequence_id,
        "completed_at": isoformat(progress.completed_at),
    }


def learner_as_json(learner: Learner, progress: Iterable[Progress]) -> dict[str, Any]:
    """Return the whole record, in the form that `Store.export` promises."""
    return {
        "learner": {
            "origin": str(learner.identity.origin),
            "external_user_id": learner.identity.external_user_id,
            "email": learner.email,
            "date_creation": isoformat(learner.date_creation),
        },
        "progress": [progress_as_json(row) for row in progress],
    }
