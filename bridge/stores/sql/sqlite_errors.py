"""What SQLite's errors mean: a code, and words that name tables, columns and constraints.

The codes are those of https://www.sqlite.org/rescode.html.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Final

from bridge.errors import StoreError
from bridge.stores.sql.constraints import Violation
from bridge.stores.sql.failures import (
    MAKE_TABLES,
    Conflict,
    MisconfiguredDatabase,
    Refused,
    UnreachableDatabase,
)
from bridge.stores.sql.tables import Tables
from bridge.support.file_access import why_not_sqlite
from bridge.support.sqlite_files import primary_code

_UNIQUE: Final = re.compile(r"UNIQUE constraint failed: (\w+)\.")

_WORDS: Final[tuple[tuple[str, str, str], ...]] = (
    ("no such table|no such column|no column named", "a table or column is missing", MAKE_TABLES),
    (
        "ON CONFLICT clause does not match",
        "UNIQUE(origin, external_user_id) is missing on the learners",
        MAKE_TABLES,
    ),
)
"""Words that SQLite has for what has no code of its own, what is wrong, and the remedy."""


def sqlite_failure(error: sqlite3.Error, shown_url: str, tables: Tables) -> StoreError:
    """Translate an error of SQLite's."""
    said = str(error)
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    match primary_code(error):
        case sqlite3.SQLITE_CONSTRAINT:
            return _constraint_failure(error, shown_url, tables)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return UnreachableDatabase(
                f"{shown_url}: another program holds the file's lock ({name})", "end it"
            )
        case sqlite3.SQLITE_FULL:
            return UnreachableDatabase(f"{shown_url}: the disk is full ({name})", "make room")
        case sqlite3.SQLITE_IOERR:
            return UnreachableDatabase(f"{shown_url}: the disk fails ({name})", "look at the disk")
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return _access_failure(shown_url, name)
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_FORMAT:
            return MisconfiguredDatabase(
                f"{shown_url}: not a database that can be opened: {said} ({name})",
                "name another file in store.url, or put a backup in its place",
            )
        case sqlite3.SQLITE_MISMATCH | sqlite3.SQLITE_TOOBIG:
            return Refused(f"{said} ({name})")
    for words, what, remedy in _WORDS:
        if re.search(words, said):
            return MisconfiguredDatabase(f"{shown_url}: {what}: {said} ({name})", remedy)
    return MisconfiguredDatabase(f"{shown_url}: {said} ({name})")


def _constraint_failure(error: sqlite3.Error, shown_url: str, tables: Tables) -> StoreError:
    said = str(error)
    if unique := _UNIQUE.search(said):
        columns = frozenset(re.findall(r"\w+\.(\w+)", said))
        return Violation(shown_url, unique[1], columns).of_uniqueness(tables)
    if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:  # which one, it never says
        return Conflict(
            f"{shown_url}: another writer came first ({said})",
            Refused(f"{said}: does another table refer to them?"),
        )
    if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_TRIGGER:
        return Refused("a trigger refuses it (SQLITE_CONSTRAINT_TRIGGER)")  # its words may be data
    return Refused(said)


def _access_failure(shown_url: str, name: str) -> MisconfiguredDatabase:
    """Tell whose file it is and who asks."""
    found = why_not_sqlite(shown_url.partition(":///")[2])
    what = found.reason if found else "the file system does not let SQLite"
    return MisconfiguredDatabase(
        f"{shown_url}: not a database that can be opened: {what} ({name})",
        found.remedy if found else "name another file in store.url",
    )
