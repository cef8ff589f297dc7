"""What every outbox promises, and the values that it hands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from bridge.checks import Finding
from bridge.model import Completion, Identity

LONGEST: Final = 86_400.0
"""Seconds that a lease or a delay lasts at most; a longer one is cut to it."""


@dataclass(frozen=True, slots=True)
class Leased:
    """One completion that a worker holds for a time.

    Attributes:
        id: the outbox's own key of the item; stays the same until it is done or buried.
        token: proof of this very lease; an item leased again has another.
        completion: what is to be delivered.
        attempts: how often it was leased since it was put or replayed, this time included.
    """

    id: str
    token: str
    completion: Completion
    attempts: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A completion that the store refuses; it waits for somebody to replay or drop it.

    Attributes:
        id: the outbox's own key of the dead letter.
        completion: what could not be delivered; None when this version cannot read what another
            one put.
        reason: why, in words.
        died_at: when it was set aside, aware, UTC.
    """

    id: str
    completion: Completion | None
    reason: str
    died_at: datetime


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """A learner who is to be erased from the store, held by a worker for a time.

    Attributes:
        identity: the learner.
        token: proof of this very lease; another lease of the request, or another call of
            `Outbox.request_erasure`, has another.
        asked_at: when the erasure was asked for first, aware, UTC.
        attempts: how often the request was leased, this time included.
        erased: whether the learner was erased since it was asked for last, as whoever put the
            request off told.
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
        leased: items that a worker holds.
        dead: dead letters.
        oldest: seconds since the oldest item that is waiting or leased was put or replayed; 0 or
            more, None when there is none.
        erasures: learners whose erasure from the store is asked for, and not done.
        oldest_erasure: seconds since the first of these erasures was asked for; 0 or more, None
            when there is none.
    """

    waiting: int
    leased: int
    dead: int
    oldest: float | None
    erasures: int = 0
    oldest_erasure: float | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What a worker had to tell last, for whoever asks how delivery is doing.

    Attributes:
        worker: its name.
        text: as the worker wrote it.
        age: seconds since it was written, 0 or more; of one from the future, told before the clock
            was put back, as many as any note is kept.
    """

    worker: str
    text: str
    age: float


class Erased(NamedTuple):
    """What became of a learner's items.

    Attributes:
        gone: how many are forgotten.
        held: how many a worker holds, which are left alone.
    """

    gone: int
    held: int


class Outbox(Protocol):
    """What every outbox promises; ``tests/contract/outbox`` holds each one to it.

    Every method but `check` raises `OutboxUnavailable` when the outbox cannot do its part now.
    Outboxes may be shared by threads, and opened by several processes at once. An e-mail address
    is kept only where ``store_email`` says so.
    """

    def put(self, completions: Sequence[Completion]) -> None:
        """Accept the completions, all or none: on return they are kept through any crash.

        Raises:
            OutboxUnavailable: none of them is accepted. (One whose answer was lost on the way may
                be kept all the same; to put it again does no harm, since earliest wins.)
        """

    def lease(self, most: int, seconds: float) -> list[Leased]:
        """Up to ``most`` items that are due, oldest first, for this caller alone.

        After ``seconds`` (up to `LONGEST`) an item that is neither done, given back nor buried goes
        to whoever asks next. Until somebody has asked, the late caller still holds it.

        What is due of a learner whose erasure is asked for is forgotten instead of handed out; it
        counts among the ``most``, so fewer may come although others are due.
        """

    def renew(self, items: Sequence[Leased], seconds: float) -> int:
        """Hold these for ``seconds`` from now (up to `LONGEST`); how many this caller still held.

        What this caller no longer held is left alone.
        """

    def done(self, items: Sequence[Leased]) -> int:
        """These are delivered; how many this caller still held. The others are left alone."""

    def give_back(self, items: Sequence[Leased], delay: float = 0.0) -> int:
        """Not delivered: due again after ``delay`` seconds (up to `LONGEST`); how many were held.

        What this caller no longer held is left alone.
        """

    def bury(self, item: Leased, reason: str) -> bool:
        """Set the item aside as a dead letter; whether this caller still held it."""

    def dead(self, most: int = 100, after: str | None = None) -> list[DeadLetter]:
        """Dead letters, first died first, from the one that follows the id ``after``."""

    def replay(self, ids: Sequence[str]) -> int:
        """Put these dead letters again, behind all that waits; how many there were."""

    def drop(self, ids: Sequence[str]) -> int:
        """Forget these dead letters for good; how many there were."""

    def erase(self, identity: Identity) -> Erased:
        """Forget all that is kept of the learner, dead letters included.

        What a worker holds may reach the store at any moment, so it is left alone and told: erase
        again when it is delivered. Reads the whole outbox: seconds, with a million items.
        """

    def request_erasure(self, identity: Identity) -> None:
        """Ask for the learner's erasure from the store: on return it is kept through any crash.

        A learner for whom it was asked before and not carried out yet stays one request, asked for
        when it was first. Should a worker hold that one, it does no longer: what was put meanwhile
        is erased too. Removes nothing that waits (see `erase`), but from now on `lease` hands out
        nothing of this learner until the request is carried out.

        Raises:
            OutboxUnavailable: ask again. (A request whose answer was lost may be kept all the
                same; to ask twice does no harm.)
        """

    def lease_erasures(self, most: int, seconds: float) -> list[ErasureRequest]:
        """Up to ``most`` requests that are due, first asked first, for this caller alone.

        After ``seconds`` (up to `LONGEST`) a request that is neither done nor put off goes to
        whoever asks next. Changes nothing, and is quick, while nobody is to be erased.
        """

    def erasure_done(self, request: ErasureRequest) -> bool:
        """Forget the request, for it is carried out; whether this caller still held it.

        When not, it stays: somebody else carries it out, or it was asked for again meanwhile.
        """

    def put_off_erasure(
        self, request: ErasureRequest, delay: float, *, erased: bool = False
    ) -> bool:
        """Make the request due after ``delay`` seconds (up to `LONGEST`); whether it was held.

        With ``erased`` it is remembered that the learner was, until the erasure is asked for again.
        """

    def move(self, old: Identity, new: Identity) -> int:
        """Put again, as the other learner's, all that is kept of one, dead letters included.

        What a worker holds is left alone. Reads the whole outbox, as `erase` does.

        Returns:
            How many items of the old learner a worker holds.
        """

    def counts(self) -> Counts:
        """What is in the outbox; quick, however full it is."""

    def note(self, worker: str, text: str) -> None:
        """Keep what the worker has to tell, in place of what it told before, for `LONGEST`."""

    def notes(self) -> list[Note]:
        """What the workers told last, those heard of most recently first."""

    def check(self) -> list[Finding]:
        """Whether it can be used, and keeps what it accepts, in words. Does not raise."""

    def close(self) -> None:
        """Release files and connections. The outbox cannot be used afterwards."""
