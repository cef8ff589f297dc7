"""Which fault comes when: from the seed alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.faults.faults import FAULTS

_TOGETHER: Final = 0.35


@dataclass(frozen=True)
class Event:
    """One fault that strikes.

    Attributes:
        name: of `FAULTS`.
        seed: of its dice.
        wait: seconds before it strikes.
    """

    name: str
    seed: int
    wait: float

    @property
    def side(self) -> str:
        """Return which side of the connection it strikes."""
        return FAULTS[self.name].side


def schedule(
    seed: int, outbox: str, count: int, only: Collection[str] = FAULTS
) -> list[list[Event]]:
    """Draw the faults, ``count`` in all, one slot after another.

    Every kind comes as often as every other, give or take one. Where two neighbours are of
    different sides they may share a slot: then they strike together.
    """
    source = Random(f"{seed}/{outbox}")
    kinds = [name for name, fault in FAULTS.items() if outbox in fault.outboxes and name in only]
    names: list[str] = []
    while len(names) < count:
        names += source.sample(kinds, len(kinds))
    events = [
        Event(name, source.randrange(2**32), source.uniform(0.0, 0.8)) for name in names[:count]
    ]
    return _slots(events, source)


def _slots(events: list[Event], source: Random) -> list[list[Event]]:
    slots: list[list[Event]] = []
    for event in events:
        alone = len(slots[-1]) == 1 if slots else False
        if alone and slots[-1][0].side != event.side and source.random() < _TOGETHER:
            slots[-1].append(event)
        else:
            slots.append([event])
    return slots
