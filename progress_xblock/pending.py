"""What learners' states still hold: exported, or passed on without the learners coming back.

A state is the JSON text in which the LMS keeps a learner's fields of one block (``StudentModule``
in ``lms/djangoapps/courseware/models.py``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from bridge import Bridge, Completion, Identity, Origin, Outcome, Status, load_json
from progress_xblock.states import WAITING_STATES, State

BATCH_SIZE: Final = 500
"""States that are read, and completions that are sent, at once."""

UNREADABLE: Final = "unreadable"
CHANGED: Final = "changed"
"""Of a `send`'s tally: the learner has been there meanwhile, and their state is left alone."""


@dataclass(frozen=True, slots=True)
class LearnerState:
    """One learner's state of one block, as it was read.

    Attributes:
        key: by which it is found again.
        usage: the block.
        state: JSON.
        ids: the learner's anonymous ids, or None where they are not known.
        own: the one of them that stands for the learner, or None where there is none yet.
    """

    key: Any
    usage: str
    state: str
    ids: frozenset[str] | None = None
    own: str | None = None

    @property
    def completion(self) -> Completion | None:
        """Return the completion that waits, or None unless it can be read and is this learner's.

        One that waits without an id, while a setting kept it from being known, gets it here.
        """
        completion = completion_of(self.state)
        if completion is None and self.own:
            completion = completion_of(self.state, Identity(Origin.FUNMOOC, self.own))
        return completion if completion and self._is_own(completion.identity) else None

    def _is_own(self, identity: Identity) -> bool:
        known = self.ids is None or identity.external_user_id in self.ids
        return identity.origin is Origin.FUNMOOC and known


SaveState = Callable[[LearnerState, str], bool]
"""Puts another state in place of this one, and returns whether it was still the same."""


def completion_of(state: str, learner: Identity | None = None) -> Completion | None:
    """Return the completion that waits in the state, or None when it cannot be read.

    Args:
        state: JSON.
        learner: whose it is, where it does not say so itself.
    """
    pending = _fields_of(state).get("pending")
    if isinstance(pending, dict) and learner and not {"origin", "external_user_id"} & {*pending}:
        pending = {**pending, **learner.as_dict()}
    return Completion.restore(pending) if isinstance(pending, dict) else None


def forgotten(state: str) -> str | None:
    """Return the state without what waits in it, or None when nothing waits.

    Of a state that cannot be read nothing is left: nobody knows what it holds.
    """
    values = _fields_of(state)
    waits = values.get("pending") or values.get("state") in WAITING_STATES
    if not waits and (values or state in ("", "{}")):
        return None
    left = {name: value for name, value in values.items() if name not in ("completed_at", "untold")}
    return json.dumps(left | {"state": State.NONE.value, "pending": {}})


def is_forgotten(state: str | None) -> bool:
    """Return whether what waited in the state was forgotten."""
    values = _fields_of(state or "")
    return values.get("state") == State.NONE.value and not values.get("pending")


def _fields_of(state: str) -> dict[str, Any]:
    """Return the fields in a state, none where it cannot be read."""
    try:
        values = load_json(state)
    except (ValueError, TypeError):
        return {}
    return values if isinstance(values, dict) else {}


def export(rows: Iterable[LearnerState]) -> Iterator[str]:
    """Give what waits as ``progress-bridge pending`` reads it, a JSON object each.

    It holds personal data.
    """
    for row in rows:
        completion = row.completion
        if completion is not None:
            yield json.dumps({**completion.as_dict(), "usage": row.usage}, ensure_ascii=False)


def send(
    rows: Iterable[LearnerState],
    bridge: Bridge,
    save: SaveState,
    is_forgotten: Callable[[LearnerState], bool] = lambda row: False,
) -> Counter[str]:
    """Pass on what waits, in batches, and say in each state what came of it.

    A learner who was erased meanwhile (`retirement`) is erased once more: their completion was
    already read, and may have been recorded behind the erasure.

    Returns:
        How many of each `Status`, `UNREADABLE` or `CHANGED`. What is `CHANGED` was recorded all the
        same. Recorded twice it is recorded once.

    Raises:
        StoreError, OutboxUnavailable: the rest is not sent. To do it again does no harm.
    """
    tally: Counter[str] = Counter()
    readable = _readable(rows, tally)
    while batch := list(islice(readable, BATCH_SIZE)):
        tally += _send(batch, bridge, save, is_forgotten)
    return tally


def _readable(
    rows: Iterable[LearnerState], tally: Counter[str]
) -> Iterator[tuple[LearnerState, Completion]]:
    for row in rows:
        completion = row.completion
        if completion is None:
            tally[UNREADABLE] += 1
        else:
            yield row, completion


def _send(
    batch: Sequence[tuple[LearnerState, Completion]],
    bridge: Bridge,
    save: SaveState,
    is_forgotten: Callable[[LearnerState], bool],
) -> Counter[str]:
    tally: Counter[str] = Counter()
    outcomes = bridge.record_many(completion for _, completion in batch)
    for (row, completion), outcome in zip(batch, outcomes, strict=True):
        tally[outcome.status] += 1
        if not save(row, _state_after(row.state, outcome)):
            tally[CHANGED] += 1
            if is_forgotten(row):
                learner = completion.identity
                bridge.request_erasure(learner.origin, learner.external_user_id)
    return tally


def _state_after(state: str, outcome: Outcome) -> str:
    """Return the state once its completion had this outcome."""
    values = load_json(state)
    if outcome.status is Status.REJECTED:
        values["state"] = State.REFUSED.value
    else:
        accepted = outcome.status is Status.ACCEPTED
        values["state"] = (State.ACCEPTED if accepted else State.DONE).value
        values["pending"] = {}
    return json.dumps(values)
