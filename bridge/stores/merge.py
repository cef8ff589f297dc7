"""The merge rule on a batch: earliest wins, whatever the order, the repeats and the other writers.

Every store reads what it holds for a batch, asks `merge` what to change, and writes just that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bridge.model import (
    ALREADY_RECORDED,
    CREATED,
    MOVED_EARLIER,
    Completion,
    Identity,
    Outcome,
    Progress,
)

Key = tuple[Identity, str]
"""What a store holds at most one row for: a learner and a grain id."""

RowId = TypeVar("RowId")


@dataclass(slots=True)
class Changes:
    """What a batch changes in a store, and what it means for each completion.

    Attributes:
        outcomes: one for each completion, in order.
        create: the rows to insert.
        replace: the rows to put in the place of the one that is recorded.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    create: dict[Key, Progress] = field(default_factory=dict)
    replace: dict[Key, Progress] = field(default_factory=dict)


def key(completion: Completion) -> Key:
    """The row that this completion belongs to."""
    return completion.identity, completion.grain_id


def merge(completions: Sequence[Completion], recorded: Mapping[Key, Progress]) -> Changes:
    """What has to change so that each row is the earliest of what is recorded and what came.

    Outcomes are as if the completions had come one by one: the first of a new row is `created`,
    an earlier one after it `moved_earlier`, though only the winner is written.
    """
    changes = Changes()
    create, replace, outcomes = changes.create, changes.replace, changes.outcomes
    for completion in completions:
        row = key(completion)
        coming = completion.progress
        held = create.get(row) or replace.get(row) or recorded.get(row)
        if held is None:
            create[row] = coming
            outcomes.append(CREATED)
        elif coming.precedes(held):
            (create if row in create else replace)[row] = coming
            outcomes.append(MOVED_EARLIER)
        else:
            outcomes.append(ALREADY_RECORDED)
    return changes


def earliest(rows: Iterable[tuple[Key, RowId, Progress]]) -> dict[Key, tuple[RowId, Progress]]:
    """The row that counts for each key: a base without the unique constraint may hold several."""
    best: dict[Key, tuple[RowId, Progress]] = {}
    for row, row_id, progress in rows:
        held = best.get(row)
        if held is None or progress.precedes(held[1]):
            best[row] = (row_id, progress)
    return best
