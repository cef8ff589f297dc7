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

from bridge import Bridge, Completion, Outcome, Status
from bridge.nesting import load_json
from bridge.outbox.written import restore
from progress_xblock.texts import State

BATCH: Final = 500
"""States that are read, and completions that are sent, at once."""

UNREADABLE: Final = "unreadable"
CHANGED: Final = "changed"
"""Of a `send`'s tally: the learner has been there meanwhile, and their state is left alone."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One learner's state of one block, as it was read.

    Attributes:
        key: by which it is found again.
        usage: the block.
        state: JSON.
    """

    key: Any
    usage: str
    state: str


Save = Callable[[Kept, str], bool]
"""Puts another state in place of this one; whether it was still the same."""


def completion_of(state: str) -> Completion | None:
    """The completion that waits in the state; None when it cannot be read.

    What waits without its ids (an earlier version's) waits for the learner's next visit.
    """
    try:
        return restore(load_json(state)["pending"])
    except (ValueError, KeyError, TypeError):
        return None


def export(rows: Iterable[Kept]) -> Iterator[str]:
    """What waits, a JSON object each: what ``progress-bridge pending`` reads. Personal data."""
    for row in rows:
        completion = completion_of(row.state)
        if completion is not None:
            yield json.dumps({**completion.as_dict(), "usage": row.usage}, ensure_ascii=False)


def send(rows: Iterable[Kept], bridge: Bridge, save: Save) -> Counter[str]:
    """Pass on what waits, in batches, and say in each state what came of it.

    Returns:
        How many of each `Status`, `UNREADABLE` or `CHANGED`. What is `CHANGED` was recorded all the
        same; recorded twice it is recorded once.

    Raises:
        StoreError, OutboxUnavailable: the rest is not sent; to do it again does no harm.
    """
    tally: Counter[str] = Counter()
    readable = _readable(rows, tally)
    while batch := list(islice(readable, BATCH)):
        tally += _send(batch, bridge, save)
    return tally


def _readable(rows: Iterable[Kept], tally: Counter[str]) -> Iterator[tuple[Kept, Completion]]:
    for row in rows:
        completion = completion_of(row.state)
        if completion is None:
            tally[UNREADABLE] += 1
        else:
            yield row, completion


def _send(batch: Sequence[tuple[Kept, Completion]], bridge: Bridge, save: Save) -> Counter[str]:
    tally: Counter[str] = Counter()
    outcomes = bridge.record_many(completion for _, completion in batch)
    for (row, _), outcome in zip(batch, outcomes, strict=True):
        tally[outcome.status] += 1
        if not save(row, _afterwards(row.state, outcome)):
            tally[CHANGED] += 1
    return tally


def _afterwards(state: str, outcome: Outcome) -> str:
    """The state, once its completion had this outcome."""
    values = load_json(state)
    if outcome.status is Status.REJECTED:
        values["state"] = State.REFUSED.value
    else:
        accepted = outcome.status is Status.ACCEPTED
        values["state"] = (State.ACCEPTED if accepted else State.DONE).value
        values["pending"] = {}
    return json.dumps(values)
