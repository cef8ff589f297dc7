"""The file of an SQL store on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from bridge.errors import StoreUnavailable
from bridge.support.forks import ForkSafe
from bridge.support.sqlite_files import FileWatch


class SQLiteStoreFile(ForkSafe):
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
        self._watch = FileWatch(self._path)

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
        if not self._watch.is_same():
            self._engine.dispose()
            self._create()
            self._watch.remember()
