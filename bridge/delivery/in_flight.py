"""What a deliverer holds: batches under way, and completions that wait for one to end.

Two batches that record the same learner at the same time would only get into each other's way, so
a completion whose learner is under way waits for that batch to end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.model import Identity
from bridge.outbox import Leased


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Completions that are being recorded.

    Attributes:
        number: of `Pace`.
        items: the completions.
        began: when, by the deliverer's clock.
    """

    number: int
    items: Sequence[Leased]
    began: float


class Cargo:
    """All that this deliverer holds a lease of. Not for several threads at once."""

    def __init__(self) -> None:
        self.under_way: list[Batch] = []
        self._busy: set[Identity] = set()
        self._parked: list[Leased] = []

    @property
    def parked(self) -> int:
        """How many completions wait for a batch of their learner to end."""
        return len(self._parked)

    @property
    def items(self) -> list[Leased]:
        """Everything that is held."""
        return [*self._parked, *(item for batch in self.under_way for item in batch.items)]

    def load(self, leased: Sequence[Leased], most: int) -> list[Leased]:
        """Up to ``most`` completions that can go now, those that waited first."""
        ready: list[Leased] = []
        parked: list[Leased] = []
        for item in (*self._parked, *leased):
            free = item.completion.identity not in self._busy and len(ready) < most
            (ready if free else parked).append(item)
        self._parked = parked
        return ready

    def begin(self, batch: Batch) -> None:
        """This batch is under way."""
        self.under_way.append(batch)
        self._busy |= {item.completion.identity for item in batch.items}

    def end(self, batch: Batch) -> None:
        """This batch no longer is."""
        self.under_way.remove(batch)
        self._busy -= {item.completion.identity for item in batch.items}

    def unload(self) -> list[Leased]:
        """The completions that waited; they are no longer held."""
        parked, self._parked = self._parked, []
        return parked
