"""All that delivery and erasure do, done once for a made-up learner who is removed again.

Rights, fields and constraints can all be there, and what is written still come back otherwise: a
column without a time zone, a field that Directus fills itself, a trigger, a validation rule.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

from bridge.checks import Finding
from bridge.errors import StoreError
from bridge.model import Completion, Identity, Origin, Status
from bridge.stores.base import Store

_SUMMER: Final = datetime(2025, 7, 15, 12, 34, 56, 789_000, tzinfo=UTC)
_CLOCKS_GO_BACK: Final = (
    (datetime(2025, 4, 5, 13, 30, 0, 1_000, tzinfo=UTC), 5),  # New Zealand, Australia
    (datetime(2025, 10, 26, 0, 30, 0, 1_000, tzinfo=UTC), 2),  # Europe
    (datetime(2025, 11, 2, 5, 30, 0, 1_000, tzinfo=UTC), 6),  # North America
)
"""When an hour exists twice in some zones: its first instant in UTC, and how many hours to try."""


def instants() -> list[datetime]:
    """Return instants that a column without a zone, or of too small a precision, mixes up."""
    hours = [
        first + timedelta(hours=hour) for first, count in _CLOCKS_GO_BACK for hour in range(count)
    ]
    return [datetime(2025, 1, 15, 12, 34, 56, 789_000, tzinfo=UTC), _SUMMER, *hours]


def rehearse(store: Store) -> list[Finding]:
    """Record completions of a made-up learner, move one earlier, read them, erase the learner."""
    who = Identity(Origin.DIRECT, str(uuid.uuid4()))
    try:
        findings = [_rehearsed(store, who)]
    except StoreError as error:
        findings = [_failed(error)]
    try:
        store.erase(who)
    except StoreError as error:
        message, _, remedy = str(error).partition("; ")
        findings.append(
            Finding(
                ok=False,
                message=f"erasing does not work: {message}",
                remedy=f"{remedy or 'mend what it says'}; then remove the learner that check made "
                f"up, direct {who.external_user_id}, with `progress-bridge erase`",
            )
        )
    return findings


def _rehearsed(store: Store, who: Identity) -> Finding:
    completions = [_completion(who, number, at) for number, at in enumerate(instants())]
    earlier = _completion(who, 1, _SUMMER - timedelta(milliseconds=1))
    outcomes = [*store.record(completions), *store.record([earlier])]
    reasons = [outcome.reason for outcome in outcomes if outcome.status is Status.REJECTED]
    if reasons:
        return Finding(
            ok=False,
            message=f"a made-up completion is refused: {reasons[0]}",
            remedy="see whether a validation rule, a flow or a trigger refuses it; it may refuse "
            "those of learners, too",
            fatal=False,
        )
    wanted = sorted(each.progress for each in (*completions[:1], earlier, *completions[2:]))
    if store.progress(who) != wanted:
        return Finding(
            ok=False,
            message="what is read of a made-up learner is not what was recorded",
            remedy="see whether a flow, a trigger or a rule changes, adds or hides rows",
        )
    return Finding(
        ok=True,
        message="a made-up learner's completions are recorded, moved earlier, read to the "
        "millisecond and erased",
    )


def _completion(who: Identity, number: int, at: datetime) -> Completion:
    name = f"progress-bridge-check-{number}"
    return Completion(who, name, module_id=name, sequence_id=name, completed_at=at)


def _failed(error: StoreError) -> Finding:
    message, _, remedy = str(error).partition("; ")
    return Finding(ok=False, message=message, remedy=remedy or "mend what it says")
