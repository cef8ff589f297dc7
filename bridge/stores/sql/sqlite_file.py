"""The file of an SQL store on SQLite."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Engine

from bridge.errors import StoreUnavailable
from bridge.support.forks import HeldOverForks

LOOK_EVERY: Final = 1.0
"""Seconds after which to see whether the file is still the same."""


class SQLiteStoreFile(HeldOverForks):
    """An engine that one thread uses at a time, whose connections are to the file of that name.

    Nothing stays open over a fork: SQLite's locks belong to a process, and a child that inherits
    a connection believes in locks it does not hold
    (https://www.sqlite.org/howtocorrupt.html, 2.6).

    Args:
        engine: of the file.
        timeout: seconds to wait for other threads.
        create: makes the tables of a new file, and leaves those that are there.
    """

    def __init__(self, engine: Engine, timeout: float, create: Callable[[], None]) -> None:
        super().__init__()
        self._engine = engine
        self._path = engine.url.database or ""
        self._timeout = timeout
        self._create = create
        self._identity: tuple[int, int] | None = None
        self._look_again = 0.0

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep all other threads from using the engine meanwhile.

        Raises:
            StoreUnavailable: another one uses it for too long.
            sqlalchemy.exc.SQLAlchemyError: a new file cannot be made.
        """
        if not self.lock.acquire(timeout=self._timeout):
            raise StoreUnavailable(f"{self._path}: busy for over {self._timeout:g} s")
        try:
            self._follow_file()
            yield
        finally:
            self.lock.release()

    def let_go(self) -> None:
        self._engine.dispose()

    def _follow_file(self) -> None:
        """Begin anew when the file is another than before, or gone.

        Written to a file that has lost its name, progress would never be seen again.
        """
        now = time.monotonic()
        if self._identity is not None and now < self._look_again:
            return
        if self._identity is None or _identity(self._path) != self._identity:
            self._engine.dispose()
            self._create()
            self._identity = _identity(self._path)
        self._look_again = now + LOOK_EVERY


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
