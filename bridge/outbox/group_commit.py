"""One commit for all who wait for one.

A commit costs a trip to the disk, whatever is in it. So the first caller commits, those who come in
the meantime wait, and the first of these commits for all of them. Each is woken on its own: were
they all waiting for one lock, they would pass it on one by one, which takes longer than the disk.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar
from weakref import WeakSet

from bridge.errors import OutboxUnavailable

T = TypeVar("T")


class _Share(Generic[T]):
    """What one caller wants committed, and what became of it."""

    __slots__ = ("failure", "rows", "settled", "woken")

    def __init__(self, rows: Sequence[T]) -> None:
        self.rows = rows
        self.settled = False
        self.failure: OutboxUnavailable | None = None
        self.woken = threading.Lock()  # released when settled, or when it is to lead
        self.woken.acquire()


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

    def _wait(self, share: _Share[T]) -> None:
        """Wait until the share is settled, or it is ours to lead; an interrupted caller leaves."""
        try:
            share.woken.acquire()
        except BaseException:
            self._withdraw(share)
            if share.woken.acquire(blocking=False) and not share.settled:
                self._pass_on()
            raise

    def _withdraw(self, share: _Share[T]) -> None:
        with self._guard:
            if share in self._waiting:
                self._waiting.remove(share)

    def _lead(self, own: _Share[T]) -> None:
        """Commit for all who wait; whatever happens, each of them learns of it."""
        shares: list[_Share[T]] = []
        failure: OutboxUnavailable | None = OutboxUnavailable("the commit was interrupted")
        try:
            with self._lock:
                with self._guard:
                    shares, self._waiting = self._waiting, []
                self._commit([row for share in shares for row in share.rows])
            failure = None
        except OutboxUnavailable as error:
            failure = error
        finally:
            self._withdraw(own)  # when it was interrupted before it was its turn
            self._pass_on()
            for share in shares:
                share.failure, share.settled = failure, True
                share.woken.release()

    def _pass_on(self) -> None:
        """Let the first of those who came in the meantime lead: the disk need not wait."""
        with self._guard:
            if self._waiting:
                self._waiting[0].woken.release()
            else:
                self._led = False


_ALL: Final[WeakSet[GroupCommit[Any]]] = WeakSet()


def _after_fork() -> None:
    for group in list(_ALL):
        group.forget()


os.register_at_fork(after_in_child=_after_fork)
