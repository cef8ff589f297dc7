"""Waiting for what another connection's lock on an SQLite file forbids for now."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

_PAUSE: Final = (0.0002, 0.001)


def patiently(step: Callable[[], T], timeout: float) -> T:
    """Do what another connection's lock may forbid, again and again until the time is over.

    SQLite's own waiting is not enough. It sleeps for up to 100 ms at a time, and so misses the
    short gaps that a busy writer leaves: beside four of them, one waited for seconds. And it does
    not wait at all when two connections make a new file's write-ahead log at once
    (https://www.sqlite.org/wal.html, "Sometimes Queries Return SQLITE_BUSY In WAL Mode").

    Args:
        step: done until it is not refused; must have no effect when it is.
        timeout: seconds after which it is not tried again.

    Raises:
        sqlite3.Error: the step's own; ``SQLITE_BUSY`` when the time is over.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            return step()
        except sqlite3.Error as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(random.uniform(*_PAUSE))  # noqa: S311  # no secret: so as not to march in step


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for an error of the Python module's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
