"""One commit for all who wait for one.

A commit costs a trip to the disk, whatever is in it. So the first caller commits, those who come in
the meantime wait, and the first of these commits for all of them. They are woken two at a time, and
each wakes one more: were all woken at once, they would only wait again, for Python's interpreter
lock.

Threads that put one completion after the other come back as soon as they are woken. The first of
them would commit for itself alone, with all the others a commit behind: so it waits for those who
shared the last commit, for no longer than that took, nor than 50 ms. A caller who was alone waits
for nobody.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar
from weakref import WeakSet

from bridge.errors import OutboxUnavailable

T = TypeVar("T")

_LONGEST: Final = 0.05
"""Seconds to wait for others at most: a commit that was held up says nothing of the next."""

_CHAINS: Final = 2
"""Callers woken at once: while one is on its way to an idle processor, the other runs here."""


class _Share(Generic[T]):
    """What one caller wants committed, and what became of it."""

    __slots__ = ("called", "failure", "left", "next", "rows", "settled", "woken")

    def __init__(self, rows: Sequence[T]) -> None:
        self.rows = rows
        self.settled = False
        self.failure: OutboxUnavailable | None = None
        self.next: _Share[T] | None = None  # whom to wake when woken
        self.woken = threading.Lock()  # released when settled, or when it is to lead
        self.woken.acquire()
        self.called = False  # whether it was released
        self.left = False  # interrupted, and there no more


class GroupCommit(Generic[T]):
    """Commits the rows of concurrent callers together.

    Args:
        lock: held while committing.
        commit: writes rows durably, all or none; called with the lock held.
    """

    def __init__(self, lock: threading.Lock, commit: Callable[[Sequence[T]], None]) -> None:
        self._lock = lock
        self._commit = commit
        self._led = False
        self.forget()
        _ALL.add(self)

    def add(self, rows: Sequence[T]) -> None:
        """Return when the rows are committed.

        Raises:
            OutboxUnavailable: they are not; as for everybody who shared the commit.
        """
        share = _Share(rows)
        with self._guard:
            self._waiting.append(share)
            leads = not self._led
            self._led = True
            self._tell_gatherer()
        if not leads:
            self._wait(share)
        if not share.settled:
            self._lead(share)
        if share.failure is not None:
            raise OutboxUnavailable(str(share.failure)) from share.failure

    def forget(self) -> None:
        """Start anew, as a forked child must: nobody in it leads or waits."""
        self._guard = threading.Lock()
        self._waiting: list[_Share[T]] = []
        self._led = False
        self._expected = 1  # callers: those who shared the last commit or came during it
        self._patience = 0.0  # seconds: what the last commit took
        self._gatherer: threading.Lock | None = None

    def _wait(self, share: _Share[T]) -> None:
        """Wait until the share is settled, or it is ours to lead; an interrupted caller leaves."""
        try:
            share.woken.acquire()
            self._wake_next(share)
        except BaseException:
            self._leave(share)
            raise

    def _leave(self, share: _Share[T]) -> None:
        """Hand on what the caller was woken for; if it was not yet, others will pass it over."""
        with self._guard:
            self._withdraw(share)
            share.left = True
            called = share.called  # from now on whoever calls it passes it over
            if called and not share.settled:
                self._pass_on()
        if called and share.settled:
            self._wake_next(share)

    def _wake_next(self, share: _Share[T]) -> None:
        """Wake the caller after this one who is still there."""
        with self._guard:
            after, share.next = share.next, None
            while after is not None:
                after.called = True
                after.woken.release()
                after = after.next if after.left else None

    def _lead(self, own: _Share[T]) -> None:
        """Commit for all who wait; whatever happens, each of them learns of it."""
        shares: list[_Share[T]] = []
        failure: OutboxUnavailable | None = None
        try:
            if len(self._waiting) < self._expected:
                self._gather()
            with self._lock:
                with self._guard:
                    shares, self._waiting = self._waiting, []
                start = time.perf_counter()
                self._commit([row for share in shares for row in share.rows])
                self._patience = min(time.perf_counter() - start, _LONGEST)
        except OutboxUnavailable as error:
            failure = error
        except BaseException:
            failure = OutboxUnavailable("the commit was interrupted")
            raise
        finally:
            with self._guard:
                if not shares:  # interrupted before it was its turn
                    self._withdraw(own)
                self._expected = len(shares) + len(self._waiting)
                self._pass_on()
            own.failure, own.settled = failure, True
            if len(shares) > 1:
                self._settle([share for share in shares if share is not own], own)

    def _settle(self, others: Sequence[_Share[T]], own: _Share[T]) -> None:
        """Tell the others what became of their rows too, and wake the first of each chain."""
        for share in others:
            share.failure, share.settled = own.failure, True
        for share, after in zip(others, others[_CHAINS:], strict=False):
            share.next = after
        for first in others[:_CHAINS]:
            own.next = first
            self._wake_next(own)

    def _gather(self) -> None:
        """Wait until as many as last time are here, or as long as the last commit took."""
        with self._guard:
            if len(self._waiting) >= self._expected:
                return
            self._gatherer = all_here = threading.Lock()
            all_here.acquire()
        all_here.acquire(timeout=self._patience)

    def _tell_gatherer(self) -> None:
        """Wake who gathers when all are here; the guard is held."""
        if self._gatherer is not None and len(self._waiting) >= self._expected:
            self._gatherer.release()
            self._gatherer = None

    def _pass_on(self) -> None:
        """Let the first of those who came in the meantime lead; the guard is held."""
        if self._waiting:
            self._waiting[0].called = True
            self._waiting[0].woken.release()
        else:
            self._led = False

    def _withdraw(self, share: _Share[T]) -> None:
        """Commit nothing of this caller; the guard is held."""
        if share in self._waiting:
            self._waiting.remove(share)


_ALL: Final[WeakSet[GroupCommit[Any]]] = WeakSet()


def _after_fork() -> None:
    for group in list(_ALL):
        group.forget()


os.register_at_fork(after_in_child=_after_fork)
