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

LearnerGrain = tuple[Identity, str]
"""A learner and a grain id: a store holds at most one progress row for them."""

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
    create: dict[LearnerGrain, Progress] = field(default_factory=dict)
    replace: dict[LearnerGrain, Progress] = field(default_factory=dict)


def learner_grain(completion: Completion) -> LearnerGrain:
    """Return the learner and the grain that the completion is about."""
    return completion.identity, completion.grain_id


def merge(completions: Sequence[Completion], recorded: Mapping[LearnerGrain, Progress]) -> Changes:
    """Decide what to change so that each row is the earliest of what is recorded and what came.

    Outcomes are as if the completions had come one by one: the first of a new row is `created`,
    an earlier one after it `moved_earlier`, though only the winner is written.
    """
    changes = Changes()
    create, replace, outcomes = changes.create, changes.replace, changes.outcomes
    for completion in completions:
        pair = learner_grain(completion)
        coming = completion.progress
        earliest_yet = create.get(pair) or replace.get(pair) or recorded.get(pair)
        if earliest_yet is None:
            create[pair] = coming
            outcomes.append(CREATED)
        elif coming.precedes(earliest_yet):
            (create if pair in create else replace)[pair] = coming
            outcomes.append(MOVED_EARLIER)
        else:
            outcomes.append(ALREADY_RECORDED)
    return changes


def earliest(
    rows: Iterable[tuple[LearnerGrain, RowId, Progress]],
) -> dict[LearnerGrain, tuple[RowId, Progress]]:
    """Choose the row that counts for each learner and grain.

    A base without the unique constraint may hold several.
    """
    chosen: dict[LearnerGrain, tuple[RowId, Progress]] = {}
    for pair, row_id, progress in rows:
        rival = chosen.get(pair)
        if rival is None or progress.precedes(rival[1]):
            chosen[pair] = (row_id, progress)
    return chosen
