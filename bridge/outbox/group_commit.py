"""One commit for all who wait for one.

A commit costs a trip to the disk, whatever is in it. So the caller who gets the lock first commits
for everybody who came in the meantime; they find their share settled when their turn comes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bridge.errors import OutboxUnavailable

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Share(Generic[T]):
    """What one caller wants committed, and what became of it."""

    rows: Sequence[T]
    settled: bool = False
    failure: OutboxUnavailable | None = None


class GroupCommit(Generic[T]):
    """Commits the rows of concurrent callers together.

    Args:
        lock: held while committing, by one caller at a time.
        commit: writes rows durably, all or none; called with the lock held.
    """

    def __init__(self, lock: threading.Lock, commit: Callable[[Sequence[T]], None]) -> None:
        self._lock = lock
        self._commit = commit
        self._shares: deque[_Share[T]] = deque()

    def add(self, rows: Sequence[T]) -> None:
        """Return when the rows are committed.

        Raises:
            OutboxUnavailable: they are not; as for everybody who shared the commit.
        """
        share = _Share(rows)
        self._shares.append(share)
        with self._lock:
            if not share.settled:
                self._settle()
        if share.failure is not None:
            raise OutboxUnavailable(str(share.failure)) from share.failure

    def _settle(self) -> None:
        """Commit all shares that wait; whatever happens, each of them learns of it."""
        shares = [self._shares.popleft() for _ in range(len(self._shares))]
        failure: OutboxUnavailable | None = OutboxUnavailable("the commit was interrupted")
        try:
            self._commit([row for share in shares for row in share.rows])
            failure = None
        except OutboxUnavailable as error:
            failure = error
        finally:
            for share in shares:
                share.failure, share.settled = failure, True
