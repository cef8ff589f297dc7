"""What the tests of the SQLite outbox share: outboxes on a file, locks, forks."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bridge.config import OutboxSettings
from bridge.outbox.sqlite import SQLiteOutbox
from tests.contract.learners import done, somebody


def opened(
    path: Path, timeout: float = 5.0, clock: Callable[[], float] = time.time
) -> SQLiteOutbox:
    return SQLiteOutbox(OutboxSettings(url=f"sqlite:///{path}", timeout=timeout), clock=clock)


def put(outbox: SQLiteOutbox, grain: str = "grain-1") -> None:
    outbox.put([done(somebody(), grain)])


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold another process's write lock, as far as SQLite can tell."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def in_a_fork(work: Callable[[], None]) -> int:
    """Do the work in a forked child, and return its exit code: 0 when it raised nothing."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
