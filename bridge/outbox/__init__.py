"""What was accepted and is not delivered yet: one protocol, and two places to keep it.

`open_outbox` picks by the scheme of the URL: ``sqlite:`` is a file shared by the processes of one
machine, ``redis:`` and ``rediss:`` a Redis shared by several machines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bridge.model import Completion, Identity


@dataclass(frozen=True, slots=True)
class Leased:
    """One completion that a worker holds for a time.

    Attributes:
        id: the outbox's own key of the item; stays the same until it is done.
        token: proof of this very lease; an item leased again has another.
        completion: what is to be delivered.
        attempts: how often it was leased, this time included.
    """

    id: str
    token: str
    completion: Completion
    attempts: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A completion that the store refuses; it waits for somebody to replay or drop it.

    Attributes:
        id: the outbox's own key of the item.
        completion: what could not be delivered.
        reason: why, in words.
        died_at: when it was set aside, aware, UTC.
    """

    id: str
    completion: Completion
    reason: str
    died_at: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """What is in an outbox.

    Attributes:
        waiting: items to be delivered, now or after a delay.
        leased: items that a worker holds.
        dead: dead letters.
        oldest: seconds since the oldest item that is waiting or leased was put; None when none.
    """

    waiting: int
    leased: int
    dead: int
    oldest: float | None


class Outbox(Protocol):
    """What every outbox promises; ``tests/contract`` holds each one to it.

    Every method raises `OutboxUnavailable` when the outbox cannot do its part now. Outboxes may be
    shared by threads, and opened by several processes at once.
    """

    def put(self, completions: Sequence[Completion]) -> None:
        """Accept the completions, all or none: on return they are kept through any crash.

        Raises:
            OutboxUnavailable: none of them is accepted.
        """

    def lease(self, most: int, seconds: float) -> list[Leased]:
        """Up to ``most`` items that are due, oldest first, for this caller alone.

        After ``seconds`` an item that is neither done, given back nor buried goes to whoever
        asks next.
        """

    def done(self, items: Sequence[Leased]) -> int:
        """These are delivered; how many this caller still held. The others are left alone."""

    def give_back(self, items: Sequence[Leased], delay: float = 0.0) -> int:
        """Not delivered: due again after ``delay`` seconds; how many this caller still held."""

    def bury(self, item: Leased, reason: str) -> bool:
        """Set the item aside as a dead letter; whether this caller still held it."""

    def dead(self, most: int = 100, after: str | None = None) -> list[DeadLetter]:
        """Dead letters, oldest first, from the one that follows the id ``after``."""

    def replay(self, ids: Sequence[str]) -> int:
        """Put these dead letters back among the waiting; how many there were."""

    def drop(self, ids: Sequence[str]) -> int:
        """Forget these dead letters for good; how many there were."""

    def erase(self, identity: Identity) -> int:
        """Forget all that is kept of the learner, leased and dead included; how many items."""

    def counts(self) -> Counts:
        """What is in the outbox; quick, however full it is."""

    def close(self) -> None:
        """Release files and connections. The outbox cannot be used afterwards."""
