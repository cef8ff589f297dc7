"""What every outbox promises, and the values that it hands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from bridge.checks import Finding
from bridge.errors import OutboxUnavailable
from bridge.model import Completion, Identity

MAX_HOLD_SECONDS: Final = 86_400.0
"""Seconds that an item is held back at most, by a lease or a delay. A longer one is cut to it."""

MAX_NOTE_AGE_SECONDS: Final = 86_400.0
"""Seconds that a worker's note is kept."""


@dataclass(frozen=True, slots=True)
class Leased:
    """One completion that a worker has leased for a time.

    Attributes:
        id: the outbox's own key of the item. It stays the same until the item is done or buried.
        token: proof of this very lease. An item leased again has another.
        completion: what is to be delivered.
        attempts: how often it was leased since it was put or replayed, this time included.
    """

    id: str
    token: str
    completion: Completion
    attempts: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A completion that the store refuses, kept until somebody replays or drops it.

    Attributes:
        id: the outbox's own key of the dead letter.
        completion: what could not be delivered, or None when this version cannot read what
            another one put.
        reason: why, in words.
        died_at: when it was set aside, aware, UTC.
    """

    id: str
    completion: Completion | None
    reason: str
    died_at: datetime


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """A learner who is to be erased from the store, leased by a worker for a time.

    Attributes:
        identity: the learner.
        token: proof of this very lease. Another lease of the request, or another call of
            `Outbox.request_erasure`, has another.
        asked_at: when the erasure was asked for first, aware, UTC.
        attempts: how often the request was leased, this time included.
        erased: whether the learner was erased since the erasure was asked for last. Whoever put
            the request off said so.
    """

    identity: Identity
    token: str
    asked_at: datetime
    attempts: int
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """What is in an outbox.

    Attributes:
        waiting: items to be delivered, now or after a delay.
        leased: items that a worker has leased.
        dead: dead letters.
        oldest: seconds since the oldest item that is waiting or leased was put or replayed, 0 or
            more, or None when there is none.
        erasures: learners whose erasure from the store is asked for, and not done.
        oldest_erasure: seconds since the first of these erasures was asked for, 0 or more, or
            None when there is none.
    """

    waiting: int
    leased: int
    dead: int
    oldest: float | None
    erasures: int = 0
    oldest_erasure: float | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What a worker wrote last, for whoever asks how delivery is doing.

    Attributes:
        worker: its name.
        text: as the worker wrote it.
        age: seconds since it was written, 0 or more. A note from the future was written before
            the clock was put back, and counts as `MAX_NOTE_AGE_SECONDS` old.
    """

    worker: str
    text: str
    age: float


class Erased(NamedTuple):
    """What became of a learner's items.

    Attributes:
        gone: how many are forgotten.
        leased: how many a worker has leased. They are left alone.
    """

    gone: int
    leased: int


class Outbox(Protocol):
    """What every outbox promises. ``tests/contract/outbox`` tests each one for it.

    Every method but `check` raises `OutboxUnavailable` when the outbox cannot do its part now.
    Every method but `close` raises `BridgeClosed` once it was closed.
    Outboxes may be shared by threads, and opened by several processes at once. An e-mail address
    is kept only where ``store_email`` says so.
    """

    def put(self, completions: Sequence[Completion]) -> None:
        """Accept the completions, all or none: on return they are kept through any crash.

        Raises:
            OutboxUnavailable: none of them is accepted. (One whose answer was lost on the way may
                be kept all the same. To put it again does no harm, since earliest wins.)
        """

    def lease(self, most: int, seconds: float) -> list[Leased]:
        """Lease up to ``most`` items that are due, oldest first, for this caller alone.

        After ``seconds`` (up to `MAX_HOLD_SECONDS`) an item that is neither done, given back nor
        buried goes to whoever asks next. Until somebody has asked, it is still the late caller's.

        What is due of a learner whose erasure is asked for is forgotten instead of handed out. It
        counts among the ``most``, so fewer may come although others are due.

        Returns:
            The items leased, none when nothing is due.
        """

    def renew(self, items: Sequence[Leased], seconds: float) -> int:
        """Extend these leases to ``seconds`` from now, up to `MAX_HOLD_SECONDS`.

        Returns:
            How many of the items this caller still had leased. The others are left alone.
        """

    def done(self, items: Sequence[Leased]) -> int:
        """Forget these items, for they are delivered.

        Returns:
            How many of them this caller still had leased. The others are left alone.
        """

    def give_back(self, items: Sequence[Leased], delay: float = 0.0) -> int:
        """Make these items due again after ``delay`` seconds, up to `MAX_HOLD_SECONDS`.

        Returns:
            How many of them this caller still had leased. The others are left alone.
        """

    def bury(self, item: Leased, reason: str) -> bool:
        """Set the item aside as a dead letter.

        Returns:
            Whether this caller still had it leased. When not, it is left alone.
        """

    def dead(self, most: int = 100, after: str | None = None) -> list[DeadLetter]:
        """Return up to ``most`` dead letters, first died first.

        They begin behind the one with the id ``after``, or with the first.
        """

    def replay(self, ids: Sequence[str]) -> int:
        """Put these dead letters again, behind all that waits.

        Returns:
            How many of them there were.
        """

    def drop(self, ids: Sequence[str]) -> int:
        """Forget these dead letters for good.

        Returns:
            How many of them there were.
        """

    def erase(self, identity: Identity) -> Erased:
        """Forget all that is kept of the learner, dead letters included.

        What a worker has leased may reach the store at any moment, so it is left alone and
        counted: erase again when it is delivered. Reads the whole outbox, which takes seconds
        with a million items.
        """

    def request_erasure(self, identity: Identity) -> None:
        """Ask for the learner's erasure from the store: on return it is kept through any crash.

        A learner for whom it was asked before and not carried out yet stays one request, asked for
        when it was first. A worker that has leased that one loses its lease, so that what was put
        meanwhile is erased too. Removes nothing that waits (see `erase`), but from now on `lease`
        hands out nothing of this learner until the request is carried out.

        Raises:
            OutboxUnavailable: ask again. (A request whose answer was lost may be kept all the
                same. To ask twice does no harm.)
        """

    def lease_erasures(self, most: int, seconds: float) -> list[ErasureRequest]:
        """Lease up to ``most`` requests that are due, first asked first, for this caller alone.

        After ``seconds`` (up to `MAX_HOLD_SECONDS`) a request that is neither done nor put off
        goes to whoever asks next. Changes nothing, and is quick, while nobody is to be erased.

        Returns:
            The requests leased, none when nothing is due.
        """

    def erasure_done(self, request: ErasureRequest) -> bool:
        """Forget the request, for it is carried out.

        Returns:
            Whether this caller still had it leased. When not, it stays: somebody else carries it
            out, or it was asked for again meanwhile.
        """

    def put_off_erasure(
        self, request: ErasureRequest, delay: float, *, erased: bool = False
    ) -> bool:
        """Make the request due again after ``delay`` seconds, up to `MAX_HOLD_SECONDS`.

        With ``erased`` it is remembered that the learner was, until the erasure is asked for again.

        Returns:
            Whether this caller still had it leased. When not, it is left alone.
        """

    def move(self, old: Identity, new: Identity) -> int:
        """Put again, as the other learner's, all that is kept of one, dead letters included.

        What a worker has leased is left alone. Reads the whole outbox, as `erase` does.

        Returns:
            How many items of the old learner a worker has leased.
        """

    def counts(self) -> Counts:
        """Count what is in the outbox, quickly, however full it is."""

    def owner(self) -> str | None:
        """Return the store that the outbox is marked for, None when no deliverer has marked it.

        See `bridge.outbox.ownership.store_mark` for the text.
        """

    def claim(self, *, adopt: bool = False) -> str | None:
        """Mark the outbox for the store of this configuration, unless it is marked.

        Does nothing for an outbox that was opened without saying for which store.

        Args:
            adopt: take it over from another store, with all that it holds.

        Returns:
            The store that it was taken from, or None.

        Raises:
            OutboxOfAnotherStore: it is marked for another one.
        """

    def note(self, worker: str, text: str) -> None:
        """Keep what the worker writes for `MAX_NOTE_AGE_SECONDS`, in place of its last note."""

    def notes(self) -> list[Note]:
        """Return the last note of each worker, the newest first."""

    def trouble(self) -> OutboxUnavailable | None:
        """Return why nothing can be put, leased or settled now, or None when all works.

        It rehearses each of them, hands out nothing and leaves nothing behind. Does not raise.
        """

    def check(self) -> list[Finding]:
        """Tell whether the outbox can be used, and keeps what it accepts. Does not raise."""

    def close(self) -> None:
        """Release files and connections. Nothing is accepted or handed out afterwards."""
