"""SQLite files: waiting for other connections' locks, and noticing another file of that name."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")

LOOK_EVERY: Final = 1.0
"""Seconds after which `FileWatch` looks again whether the file is still the same."""

_PAUSE: Final = (0.0002, 0.001)
"""Seconds between two attempts, at least and at most."""


def retry_while_locked(step: Callable[[], T], timeout: float) -> T:
    """Do what another connection's lock may forbid, again and again until the time is over.

    SQLite's own waiting is not enough. It sleeps for up to 100 ms at a time, and so misses the
    short gaps that a busy writer leaves: beside four of them, one waited for seconds. And it does
    not wait at all when two connections make a new file's write-ahead log at once
    (https://www.sqlite.org/wal.html, "Sometimes Queries Return SQLITE_BUSY In WAL Mode").

    Args:
        step: done until it is not refused. It must have no effect when it is.
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
    """Return SQLite's primary result code, or 0 for an error of the Python module's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


class FileWatch:
    """Tells whether a path still leads to the file that was opened.

    A file can be removed or replaced while it is open. What is then written to it is never seen
    again. A look costs a system call, so there is one a second at most (`LOOK_EVERY`): what is
    written in that second is lost, as it is in any case to whoever removes the file.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._opened: tuple[int, int] | None = None
        self._look_again = 0.0

    def remember(self) -> None:
        """Take the file that the path leads to now as the one that is open."""
        self._opened = self._device_and_inode()
        self._look_again = time.monotonic() + LOOK_EVERY

    def is_same(self) -> bool:
        """Return whether the path still leads to the file that is open.

        False before the first `remember`, and for a file that cannot be looked at.
        """
        if self._opened is None:
            return False
        now = time.monotonic()
        if now >= self._look_again:
            if self._device_and_inode() != self._opened:
                return False
            self._look_again = now + LOOK_EVERY
        return True

    def _device_and_inode(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_dev, status.st_ino
