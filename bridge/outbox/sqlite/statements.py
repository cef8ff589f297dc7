"""The SQL of `SQLiteOutbox`. The tables are in ``schema.sql``."""
# ruff: noqa: S608  # only constants are put into statements

from __future__ import annotations

from functools import cache
from typing import Final

# A completion, in the order of `NAMES`.
NAMES: Final = (
    *("origin", "external_user_id", "grain_id"),
    *("module_id", "sequence_id", "completed_at", "email"),
)
_WHAT: Final = ", ".join(NAMES)

# The last id given out: of what still waits, or of what is gone.
_LAST: Final = "max(coalesce((SELECT max(id) FROM waiting), 0), (SELECT last_gone FROM tally))"

MAX_PUT: Final = 100
"""Completions of one statement: older SQLites take 999 values in one."""


@cache
def put(count: int) -> str:
    """Return a statement that puts so many completions.

    Its values are the instant of the put, then those of the completions one by one. Several go in
    one statement: it is quicker, and releases Python's interpreter lock but once. One alone is
    quicker without a query around it.
    """
    insert = f"INSERT INTO waiting (put_at, id, {_WHAT})"
    marks = ", ".join("?" * len(NAMES))
    if count == 1:
        return f"{insert} VALUES (?, {_LAST} + 1, {marks})"
    rows = ", ".join(f"({number}, {marks})" for number in range(1, count + 1))
    columns = ", ".join(f"column{number}" for number in range(2, len(NAMES) + 2))
    return f"{insert} SELECT ?, {_LAST} + column1, {columns} FROM (VALUES {rows})"


# Whether a row's learner is to be erased. The first half is asked once for all rows.
_TO_ERASE: Final = """
    EXISTS (SELECT 1 FROM erasures) AND EXISTS (
        SELECT 1 FROM erasures AS asked
        WHERE asked.origin = {0}.origin AND asked.external_user_id = {0}.external_user_id)"""

# Each half reads no more of its index than it may hand out, however much is held back.
DUE: Final = f"""
    SELECT id, attempts + 1, {_TO_ERASE.format("held")}, {_WHAT} FROM held WHERE id IN (
        SELECT id FROM (SELECT id FROM held WHERE until <= :now ORDER BY until LIMIT :most)
        UNION
        SELECT id FROM (SELECT id FROM held WHERE since > :now ORDER BY since LIMIT :most)
    ) ORDER BY id LIMIT :most"""

LEASE_AGAIN: Final = """
    UPDATE held SET attempts = attempts + 1, leased = 1, since = ?, until = ? WHERE id = ?"""

NEXT: Final = f"""
    SELECT id, 1, {_TO_ERASE.format("waiting")}, {_WHAT} FROM waiting ORDER BY id LIMIT ?"""

LEASE_UP_TO: Final = f"""
    INSERT INTO held (id, {_WHAT}, put_at, attempts, leased, since, until)
    SELECT id, {_WHAT}, put_at, 1, 1, ?, ? FROM waiting WHERE id <= ?"""

FORGET_UP_TO: Final = "DELETE FROM waiting WHERE id <= ?"

FORGET: Final = "DELETE FROM held WHERE id = ?"

# The fence: only the lease with this number of attempts, and only until it is given back.
_STILL_LEASED: Final = "id = ? AND attempts = ? AND leased = 1"

DONE: Final = f"DELETE FROM held WHERE {_STILL_LEASED}"

GIVE_BACK: Final = f"UPDATE held SET leased = 0, since = ?, until = ? WHERE {_STILL_LEASED}"

RENEW: Final = f"UPDATE held SET since = ?, until = ? WHERE {_STILL_LEASED}"

BURY: Final = f"""
    INSERT INTO dead ({_WHAT}, reason, died_at)
    SELECT {_WHAT}, ?, ? FROM held WHERE {_STILL_LEASED}"""

DEAD: Final = f"""
    SELECT id, reason, died_at, {_WHAT} FROM dead WHERE id > ? ORDER BY id LIMIT ?"""

REPLAY: Final = f"""
    INSERT INTO waiting (id, {_WHAT}, put_at)
    SELECT {_LAST} + 1, {_WHAT}, ? FROM dead WHERE id = ?"""

DROP: Final = "DELETE FROM dead WHERE id = ?"

_THEIRS: Final = "origin = :origin AND external_user_id = :external_user_id"

_LEASED_NOW: Final = "leased = 1 AND until > :now AND since <= :now"

COUNT_LEASED: Final = f"SELECT count(*) FROM held WHERE {_THEIRS} AND {_LEASED_NOW}"

# What of theirs is not leased, table by table.
_FREE: Final = {
    "held": f"{_THEIRS} AND NOT ({_LEASED_NOW})",  # put before all that is waiting
    "waiting": _THEIRS,
    "dead": _THEIRS,
}

ERASE: Final = tuple(f"DELETE FROM {table} WHERE {which}" for table, which in _FREE.items())

# From each table: put again as the other learner's, then remove.
MOVE: Final = tuple(
    statement
    for table, which in _FREE.items()
    for statement in (
        f"""
    INSERT INTO waiting (id, {_WHAT}, put_at)
    SELECT {_LAST} + row_number() OVER (ORDER BY id), :new_origin, :new_external_user_id,
        {", ".join(NAMES[2:])}, :now
    FROM {table} WHERE {which}""",
        f"DELETE FROM {table} WHERE {which}",
    )
)

# Asked for again while it is leased or put off: due at once, and no longer its worker's.
REQUEST_ERASURE: Final = """
    INSERT INTO erasures (origin, external_user_id, asked_at)
    VALUES (:origin, :external_user_id, :now)
    ON CONFLICT (origin, external_user_id) DO UPDATE
    SET erased = 0, token = '', since = 0, until = 0"""

_DUE_ERASURES: Final = "NOT (since <= :now AND :now < until)"

ANY_ERASURE_DUE: Final = f"SELECT 1 FROM erasures WHERE {_DUE_ERASURES} LIMIT 1"

LEASE_ERASURES: Final = f"""
    UPDATE erasures SET attempts = attempts + 1, token = :token, since = :now, until = :until
    WHERE (origin, external_user_id) IN (
        SELECT origin, external_user_id FROM erasures WHERE {_DUE_ERASURES}
        ORDER BY asked_at LIMIT :most)"""

LEASED_ERASURES: Final = """
    SELECT origin, external_user_id, token, asked_at, attempts, erased FROM erasures
    WHERE token = ? ORDER BY asked_at"""

_STILL_LEASED_ERASURE: Final = f"{_THEIRS} AND token = :token"

ERASURE_DONE: Final = f"DELETE FROM erasures WHERE {_STILL_LEASED_ERASURE}"

PUT_OFF_ERASURE: Final = f"""
    UPDATE erasures
    SET erased = max(erased, :erased), token = '', since = :now, until = :until
    WHERE {_STILL_LEASED_ERASURE}"""

_LATEST: Final = "id = (SELECT max(id) FROM {0})"

# One item all the way: put, leased, set aside, forgotten. Its id is above all others, so nothing
# else is touched. Whoever runs this takes it back.
REHEARSAL: Final = (
    f"""
    INSERT INTO waiting (id, {_WHAT}, put_at)
    VALUES ({_LAST} + 1, '', '', '', NULL, NULL, '', NULL, 0)""",
    f"""
    INSERT INTO held (id, {_WHAT}, put_at, attempts, leased, since, until)
    SELECT id, {_WHAT}, put_at, 1, 1, 0, 0 FROM waiting WHERE {_LATEST.format("waiting")}""",
    f"DELETE FROM waiting WHERE {_LATEST.format('waiting')}",
    f"""
    INSERT INTO dead ({_WHAT}, reason, died_at)
    SELECT {_WHAT}, '', 0 FROM held WHERE {_LATEST.format("held")}""",
    f"DELETE FROM held WHERE {_LATEST.format('held')}",
    f"DELETE FROM dead WHERE {_LATEST.format('dead')}",
)

OWNER: Final = "SELECT mark FROM store"

CLAIM: Final = "INSERT OR IGNORE INTO store (one, mark) VALUES (1, ?)"

ADOPT: Final = "INSERT OR REPLACE INTO store (one, mark) VALUES (1, ?)"

NOTE: Final = "INSERT OR REPLACE INTO notes (worker, note, told_at) VALUES (?, ?, ?)"

FORGET_NOTE: Final = "DELETE FROM notes WHERE worker = ?"

FORGET_NOTES: Final = "DELETE FROM notes WHERE told_at < ? OR told_at > ?"

NOTES: Final = "SELECT worker, note, told_at FROM notes"

COUNTS: Final = f"""
    SELECT {_LAST} - gone + held, dead,
        (SELECT count(*) FROM held WHERE {_LEASED_NOW}),
        coalesce((SELECT put_at FROM held ORDER BY id LIMIT 1),
                 (SELECT put_at FROM waiting ORDER BY id LIMIT 1)),
        (SELECT count(*) FROM erasures), (SELECT min(asked_at) FROM erasures)
    FROM tally"""
