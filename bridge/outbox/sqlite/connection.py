"""The outbox's SQLite file: its one connection in this process, and its troubles in words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from bridge.errors import BridgeClosed, OutboxMisconfigured, OutboxUnavailable
from bridge.outbox.sqlite.disk import obstacle
from bridge.support.file_access import Obstacle
from bridge.support.forks import ForkSafe
from bridge.support.sqlite_files import FileWatch, primary_code, retry_while_locked

SCHEMA: Final = (Path(__file__).parent / "schema.sql").read_text(encoding="utf-8")
VERSION: Final = 3

# FULL: a commit returns when it is on disk. secure_delete: what was delivered or erased is
# overwritten, for the file holds personal data.
PRAGMAS: Final = ("synchronous = FULL", "secure_delete = ON", "temp_store = MEMORY")

_PASSING: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL)

_OF_THE_DISK: Final = (
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM),
    *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR),
)
"""Of these SQLite knows no more than the code; the disk itself is asked."""

_LASTING: Final = (
    *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CORRUPT),
    *(sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR),
)
"""These stay until somebody mends them."""

_END_IT: Final = "find the program that holds it (fuser), and end it"
_MOVE_IT: Final = "let outbox.url name another file; keep this one, for it may hold completions"
_WORDS: Final = {
    sqlite3.SQLITE_BUSY: ("another process has locked it", _END_IT),
    sqlite3.SQLITE_LOCKED: ("another process has locked it", _END_IT),
    sqlite3.SQLITE_FULL: ("the disk is full", "free space on its disk, or enlarge it"),
    sqlite3.SQLITE_READONLY: ("we may not write to it", "let whoever runs the bridge own it"),
    sqlite3.SQLITE_PERM: ("we may not write to it", "let whoever runs the bridge own it"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "look at its folder and at who owns it"),
    sqlite3.SQLITE_IOERR: ("the disk fails, or is full", "look at the disk and the kernel's log"),
    sqlite3.SQLITE_CORRUPT: ("it is damaged", _MOVE_IT),
    sqlite3.SQLITE_NOTADB: ("it is no outbox, or damaged", _MOVE_IT),
    sqlite3.SQLITE_ERROR: ("it is no outbox, or damaged", _MOVE_IT),
}
"""What SQLite's codes mean, and what to do about it."""


class SQLiteFile(ForkSafe):
    """One outbox file, shared by the threads of this process and by other processes.

    As a context manager it is a transaction that writes.

    Nothing is opened before it is used, and nothing stays open over a fork: SQLite's locks belong
    to a process, and a child that inherits a connection believes in locks it does not hold
    (https://www.sqlite.org/howtocorrupt.html, 2.6).

    Args:
        path: created when it is not there, for this user alone. Its folder must be there.
        timeout: seconds to wait for another process's lock.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__()
        self.path = path
        self.timeout = timeout
        self._connection: sqlite3.Connection | None = None
        self._closed_for_good = False
        self._watch = FileWatch(path)
        self._writing: sqlite3.Connection

    def __enter__(self) -> sqlite3.Connection:
        """Begin a transaction that writes, on disk when the block has ended without an error.

        Raises:
            OutboxUnavailable: nothing was done. The end of the block can raise it too.
        """
        self._writing = self._begin("BEGIN IMMEDIATE")
        return self._writing

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None:
            try:
                self._writing.execute("COMMIT")
            except sqlite3.Error as failure:
                raise self._failed(failure) from failure
        elif isinstance(error, sqlite3.Error):
            raise self._failed(error) from error
        else:
            self._undo(reopen=False)

    def run(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """Run one statement, a transaction by itself, and return the rows that it gives.

        Raises:
            OutboxUnavailable: nothing was done.
        """
        connection = self._begin()
        try:
            return retry_while_locked(
                lambda: connection.execute(statement, values).fetchall(), self.timeout
            )
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _begin(self, how: str = "") -> sqlite3.Connection:
        try:
            connection = self._connected()
            if how:
                retry_while_locked(lambda: connection.execute(how), self.timeout)
        except sqlite3.Error as error:
            raise self._failed(error) from error
        except OSError as error:
            words = os.strerror(error.errno or 0)
            found = obstacle(self.path) or Obstacle(words, "look at its folder")
            raise self._hindered(found, words) from error
        return connection

    def clean(self) -> None:
        """Empty the -wal file, in which what was deleted can still be read.

        Does without when other processes are in the way for too long: the file is emptied all the
        same in the course of things.
        """
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.execute(f"PRAGMA busy_timeout = {self.timeout * 1000:.0f}")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                self._connection.execute("PRAGMA busy_timeout = 0")

    def close(self) -> None:
        """Close the connection. The next transaction opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def close_for_good(self) -> None:
        """Close the connection, and let no transaction open another."""
        self._closed_for_good = True
        self.close()

    def let_go(self) -> None:
        with suppress(sqlite3.Error):
            self.close()

    def _connected(self) -> sqlite3.Connection:
        """Return the connection, opened anew when the file is another than before, or gone.

        Written to a file that has lost its name, completions would never be seen again. A second
        of them is lost at most, which whoever removes the file loses in any case.

        Raises:
            BridgeClosed: the outbox was closed.
        """
        if self._closed_for_good:
            raise BridgeClosed(f"{self.path}: this outbox is closed: nothing was done")
        if self._connection is None or not self._watch.is_same():
            self.close()
            _create(self.path)
            self._connection = retry_while_locked(self._open, self.timeout)
            self._watch.remember()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _failed(self, error: sqlite3.Error) -> OutboxUnavailable:
        """Undo what was begun, and return the error to raise."""
        self._undo(reopen=primary_code(error) not in _PASSING)
        return self._unavailable(error)

    def _undo(self, *, reopen: bool) -> None:
        """Undo the transaction, and close the connection when it may be spoilt (``reopen``)."""
        with suppress(sqlite3.Error):
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        if reopen:
            with suppress(sqlite3.Error):
                self.close()

    def _unavailable(self, error: sqlite3.Error) -> OutboxUnavailable:
        """Return SQLite's error in words, which hold no value of a row."""
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        code = primary_code(error)
        if code in _OF_THE_DISK and (found := obstacle(self.path)) is not None:
            return self._hindered(found, name)
        reason, remedy = _WORDS.get(code, (str(error), "mend what it says"))
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            reason = f"{reason} for over {self.timeout:g} s"
        kind = OutboxMisconfigured if code in _LASTING else OutboxUnavailable
        return kind(f"{self.path}: {reason} ({name})", reason, remedy)

    def _hindered(self, found: Obstacle, name: str) -> OutboxUnavailable:
        kind = OutboxMisconfigured if found.lasting else OutboxUnavailable
        return kind(f"{self.path}: {found.reason} ({name})", found.reason, found.remedy)


def _create(path: Path) -> None:
    """Create an empty file that only its owner may read, unless it is there.

    SQLite gives -wal and -shm the same mode.
    """
    path = Path(os.path.realpath(path))  # a link is followed, as SQLite would, which asks for 0644
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
    folder = os.open(path.parent, os.O_RDONLY)  # the name itself must survive a power cut
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _prepare(connection: sqlite3.Connection) -> None:
    """Set the pragmas, and create the tables or bring them up to date.

    Raises:
        sqlite3.Error: the file is locked, not writable, no outbox, or of a newer version.
    """
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise sqlite3.NotSupportedError("its file system cannot hold a write-ahead log")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise sqlite3.NotSupportedError("a newer version of the bridge made it")
    if version < VERSION:
        connection.executescript(SCHEMA)
