"""Objects that a child process can use, whatever the parent's threads did when it forked."""

from __future__ import annotations

import os
from threading import Lock
from typing import Final
from weakref import WeakSet


class ForkSafe:
    """An object shared by threads, whose lock is held while this process forks.

    Without that a child could find the lock taken by a thread that it does not have, and wait for
    ever. No thread may hold two such locks at once.

    Attributes:
        lock: to be held around everything that is shared.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        _INSTANCES.add(self)

    def let_go(self) -> None:
        """Close what must not be open on both sides of a fork. The lock is held meanwhile."""


_INSTANCES: Final[WeakSet[ForkSafe]] = WeakSet()
_locked: list[ForkSafe] = []


def _lock_all() -> None:
    for shared in list(_INSTANCES):
        shared.lock.acquire()
        _locked.append(shared)
        shared.let_go()


def _unlock_all() -> None:
    while _locked:
        _locked.pop().lock.release()


os.register_at_fork(before=_lock_all, after_in_parent=_unlock_all, after_in_child=_unlock_all)
