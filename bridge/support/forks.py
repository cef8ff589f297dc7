"""What is whole and free in a child process, whatever the parent's threads did when it forked."""

from __future__ import annotations

import os
from threading import Lock
from typing import Final
from weakref import WeakSet


class HeldOverForks:
    """Something shared by threads, whose lock is held while this process forks.

    Without that a child could find the lock taken by a thread that it does not have, and wait for
    ever. No thread may hold two such locks at once.

    Attributes:
        lock: to be held around everything that is shared.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        _ALL.add(self)

    def let_go(self) -> None:
        """Close what must not be open on both sides of a fork; the lock is held."""


_ALL: Final[WeakSet[HeldOverForks]] = WeakSet()
_held: list[HeldOverForks] = []


def _before() -> None:
    for shared in list(_ALL):
        shared.lock.acquire()
        _held.append(shared)
        shared.let_go()


def _after() -> None:
    while _held:
        _held.pop().lock.release()


os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
