"""A batch on its way into Directus: which of its completions are settled, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bridge.model import Completion, Identity, Outcome
from bridge.stores.directus_progress import Held
from bridge.stores.directus_rows import Written
from bridge.stores.merge import Changes, Key, key, merge


class Batch:
    """The completions of one `record`, by the rows that they are about.

    Threads may each work on rows of their own at the same time.
    """

    def __init__(self, completions: Sequence[Completion]) -> None:
        self._completions = completions
        self._outcomes: list[Outcome | None] = [None] * len(completions)
        self.pending: dict[Key, list[int]] = {}
        for position, completion in enumerate(completions):
            self.pending.setdefault(key(completion), []).append(position)

    def outcomes(self) -> list[Outcome]:
        """One for each completion, in order."""
        return [outcome for outcome in self._outcomes if outcome is not None]

    def refuse(self, learners: Mapping[Identity, str]) -> None:
        """Reject all completions of these learners, who cannot be created."""
        rows = {row: learners[row[0]] for row in self.pending if row[0] in learners}
        self.refuse_rows(rows)
        for row in rows:
            del self.pending[row]

    def refuse_rows(self, rows: Mapping[Key, str]) -> None:
        """Reject all completions of these rows."""
        for row, reason in rows.items():
            for position in self.pending[row]:
                self._outcomes[position] = Outcome.rejected(reason)

    def merge(self, rows: Iterable[Key], held: Held) -> Changes:
        """What the completions of these rows change, given what is recorded."""
        return merge(
            [self._completions[position] for row in rows for position in self.pending[row]],
            {row: progress for row, (_, progress) in held.items()},
        )

    def settle(self, rows: Sequence[Key], changes: Changes, written: Written[Key]) -> list[Key]:
        """Note the outcomes of what is done; the rows that need another look are given."""
        left = []
        outcomes = iter(changes.outcomes)
        for row in rows:
            coming = [(position, next(outcomes)) for position in self.pending[row]]
            if row in written.refused:
                self.refuse_rows({row: written.refused[row]})
            elif row in written.keys or not (row in changes.create or row in changes.replace):
                for position, outcome in coming:
                    self._outcomes[position] = outcome
            else:
                left.append(row)
        return left
