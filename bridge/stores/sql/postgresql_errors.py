"""What PostgreSQL's errors mean: each has a code and says which table and constraint it is about.

The codes are those of its manual's appendix A, "PostgreSQL Error Codes".
"""

from __future__ import annotations

import re
from typing import Any, Final

from bridge.errors import StoreError
from bridge.stores.sql.connecting import cause_in_words, connection_failure
from bridge.stores.sql.constraints import Violation, columns_in_detail
from bridge.stores.sql.failures import (
    MAKE_TABLES,
    Conflict,
    MisconfiguredDatabase,
    Refused,
    UnreachableDatabase,
)
from bridge.stores.sql.tables import Tables

_ROW_SECURITY: Final = re.compile(r"row.level security|sécurité (au )?niveau ligne")

_CONNECTING: Final = ("08", "28", "3D", "42501", "53300", "55000", "57P")
"""Classes of what may go wrong when a connection is made, by PgBouncer later than that."""

_CHECK_TELLS: Final = "`progress-bridge check` tells which"

_TYPES: Final = "give the columns the types that sql/schema-multi-origin.sql gives them"

_NAMES_OBJECTS: Final = ("0A", "2200H", "22023", "42", "3F", "55")
"""Codes whose words name tables, columns and settings, and no value of a row."""

_TO_MEND: Final[tuple[tuple[str, str, str], ...]] = (
    ("0A", "the database cannot do this", "replace the table's rules by triggers"),
    ("2200H", "a sequence has no more numbers", "give the keys a larger type: bigint"),
    ("22003", "a number is too large for its column", "give the keys the same type: bigint"),
    ("22023", "a setting has a value that the database does not know", "mend store.url"),
    (
        "42501",
        "no right to do this",
        "GRANT the user of store.url what `progress-bridge check` misses",
    ),
    ("42P01", "a table or column is missing", f"{_CHECK_TELLS}; {MAKE_TABLES}"),
    ("42703", "a table or column is missing", f"{_CHECK_TELLS}; {MAKE_TABLES}"),
    ("42P10", "UNIQUE(origin, external_user_id) is missing on the learners", MAKE_TABLES),
    ("42804", "a column's type does not fit", _TYPES),
    ("42883", "a column's type does not fit", _TYPES),
    ("428C9", "the database fills a column itself that the bridge has to write", _TYPES),
    ("42704", "the database does not know a setting", "mend store.url"),
    ("42", "the database does not take the statement", _TYPES),
    ("28", "the server does not let us in", "mend user and password in store.url"),
    ("3D", "there is no such database", "mend the database's name in store.url"),
    ("3F", "no such schema", "mend the search_path in store.url"),
    ("55P02", "a setting cannot be changed", "leave it out of store.url"),
    ("55000", "a table is not in a state to be written", "make its UNIQUE NOT DEFERRABLE"),
)
"""Code or class, what is wrong, and the remedy."""

_UNAVAILABLE: Final[tuple[tuple[str, str, str], ...]] = (
    ("25006", "the database is read-only", "is it a standby, or default_transaction_read_only on?"),
    ("53100", "the server's disk is full", "make room on it"),
    ("53200", "the server has no memory left", "look at its log"),
    ("53300", "the server has no connection left", "raise its max_connections, or use PgBouncer"),
    ("53", "the server lacks something", "look at its log"),
    ("55P03", "another program holds a lock for too long", "end its transaction"),
    ("57014", "it took longer than store.read_timeout", "look at what the server is busy with"),
    ("57", "the server is stopping or starting", "wait, or look at its log"),
    ("58", "the server's system fails", "look at its log"),
    ("08", "the connection was cut", "is the server, or a proxy before it, running?"),
    ("XX", "the server fails", "look at its log"),
)


def postgresql_failure(error: Any, shown_url: str, tables: Tables) -> StoreError:
    """Translate an error that has a code."""
    state, said = error.sqlstate, error.diag.message_primary or ""
    name = f"{type(error).__name__} {state}"
    if state.startswith("23"):
        return _integrity_failure(error, shown_url, tables, name)
    if state in ("40001", "40P01"):
        return Conflict(f"{shown_url}: another writer came first ({name})")
    if state == "42501" and _ROW_SECURITY.search(said):
        return MisconfiguredDatabase(
            f"{shown_url}: row-level security hides or refuses rows ({name})",
            "make a policy that lets the user of store.url read and write every row",
        )
    if state.startswith(_CONNECTING) and cause_in_words(said):
        return connection_failure(error, shown_url)
    for code, what, remedy in _TO_MEND:
        if state.startswith(code):
            shown = f": {said}" if state.startswith(_NAMES_OBJECTS) else ""
            return MisconfiguredDatabase(f"{shown_url}: {what}{shown} ({name})", remedy)
    for code, what, remedy in _UNAVAILABLE:
        if state.startswith(code):
            return UnreachableDatabase(f"{shown_url}: {what} ({name})", remedy)
    return Refused(name)


def _integrity_failure(error: Any, shown_url: str, tables: Tables, name: str) -> StoreError:
    """Tell the constraints apart. What is not ours refuses this row alone."""
    diag = error.diag
    table, constraint = diag.table_name or "", diag.constraint_name or ""
    violation = Violation(shown_url, table, columns_in_detail(diag.message_detail), constraint)
    match error.sqlstate:
        case "23505":
            return violation.of_uniqueness(tables)
        case "23503" | "23001":
            return violation.of_reference(tables)
        case "23514" if not constraint:
            return MisconfiguredDatabase(
                f"{shown_url}: no partition of table {table} takes the row ({name})",
                "make the partition, or one for all other rows: PARTITION OF … DEFAULT",
            )
        case "23502":
            return Refused(f"{name}: column {diag.column_name} of table {table} is empty")
    return Refused(f"{name}: {violation}")
