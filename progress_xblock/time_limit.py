"""Waiting for an answer no longer than there is time for, whatever hangs.

Time-outs of sockets do not bound a request: a name that does not resolve and an answer that comes
byte by byte are not covered by them. So the work is done by a thread, which the request waits for
until its time is up. What that thread still does afterwards does no harm: a completion that is
recorded twice is recorded once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

from bridge import StoreUnavailable

THREADS: Final = 16
"""How many pieces of work may be under way in a process: a store that hangs costs no more."""

T = TypeVar("T")

_free_threads = threading.BoundedSemaphore(THREADS)


def within(seconds: float, work: Callable[[], T]) -> T:
    """Do the work in a thread, and wait for it no longer than this.

    Args:
        seconds: how long it may take, over 0.
        work: what to do. Its thread does not keep the process from ending.

    Returns:
        What ``work`` gives. What it raises is raised here.

    Raises:
        StoreUnavailable: it takes longer, or at once when all threads are still at earlier work.
    """
    free = _free_threads  # the same when the thread ends, even if this process was forked meanwhile
    if not free.acquire(blocking=False):
        raise StoreUnavailable(f"{THREADS} earlier requests have had no answer yet")
    answer: Future[T] = Future()
    try:
        threading.Thread(target=_run, args=(work, answer, free), daemon=True).start()
    except RuntimeError:
        free.release()
        raise StoreUnavailable("the system has no thread to spare") from None
    try:
        return answer.result(seconds)
    except TimeoutError:
        if answer.done():
            raise
        raise StoreUnavailable(f"no answer within {seconds:g} s") from None


def _run(work: Callable[[], T], answer: Future[T], free: threading.BoundedSemaphore) -> None:
    try:
        answer.set_result(work())
    except BaseException as error:  # noqa: BLE001  # whoever waits raises it
        answer.set_exception(error)
    finally:
        free.release()


def _after_fork() -> None:
    """Count no thread as busy: those of the parent process are not in its child."""
    global _free_threads
    _free_threads = threading.BoundedSemaphore(THREADS)


os.register_at_fork(after_in_child=_after_fork)
