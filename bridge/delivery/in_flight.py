"""What a deliverer has leased: batches under way, and completions that wait for one to end.

Two batches that record the same learner at the same time would only get into each other's way, so
a completion whose learner is under way waits for that batch to end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.model import Identity
from bridge.outbox import Leased


@dataclass(frozen=True, slots=True, eq=False)
class BatchInFlight:
    """Completions that are being recorded.

    Attributes:
        number: of `Throttle.begin`.
        items: the completions.
        began: when, by the deliverer's clock.
    """

    number: int
    items: Sequence[Leased]
    began: float


class InFlight:
    """All that this deliverer has leased. Not for several threads at once."""

    def __init__(self) -> None:
        self.under_way: list[BatchInFlight] = []
        self._busy: set[Identity] = set()
        self._parked: list[Leased] = []

    @property
    def parked(self) -> int:
        """Count the completions that wait for a batch of their learner to end."""
        return len(self._parked)

    @property
    def items(self) -> list[Leased]:
        """Return all that is leased, under way or parked."""
        return [*self._parked, *(item for batch in self.under_way for item in batch.items)]

    def take_ready(self, leased: Sequence[Leased], most: int) -> list[Leased]:
        """Take up to ``most`` completions that can go now, those that waited first.

        The others are parked.

        Args:
            leased: what has just been leased.
            most: completions of a batch.
        """
        ready: list[Leased] = []
        parked: list[Leased] = []
        for item in (*self._parked, *leased):
            free = item.completion.identity not in self._busy and len(ready) < most
            (ready if free else parked).append(item)
        self._parked = parked
        return ready

    def begin(self, batch: BatchInFlight) -> None:
        """Note that the batch is under way."""
        self.under_way.append(batch)
        self._busy |= {item.completion.identity for item in batch.items}

    def end(self, batch: BatchInFlight) -> None:
        """Note that the batch is no longer under way."""
        self.under_way.remove(batch)
        self._busy -= {item.completion.identity for item in batch.items}

    def take_parked(self) -> list[Leased]:
        """Take all completions that wait, to be given back."""
        parked, self._parked = self._parked, []
        return parked
