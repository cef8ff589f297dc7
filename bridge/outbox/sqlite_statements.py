"""The SQL of `SQLiteOutbox`; the tables are in ``schema.sql``."""

from __future__ import annotations

from typing import Final

# The last id given out: of what still waits, or of what is gone.
_LAST: Final = "max(coalesce((SELECT max(id) FROM waiting), 0), (SELECT last_gone FROM tally))"

PUT: Final = f"""
    INSERT INTO waiting (id, learner, completion, put_at) VALUES ({_LAST} + 1, ?, ?, ?)"""  # noqa: S608  # a constant

# Each half reads no more of its index than it may hand out, however much is held.
DUE: Final = """
    SELECT id, attempts + 1, completion FROM held WHERE id IN (
        SELECT id FROM (SELECT id FROM held WHERE until <= :now ORDER BY until LIMIT :most)
        UNION
        SELECT id FROM (SELECT id FROM held WHERE since > :now ORDER BY since LIMIT :most)
    ) ORDER BY id LIMIT :most"""

LEASE_AGAIN: Final = """
    UPDATE held SET attempts = attempts + 1, leased = 1, since = ?, until = ? WHERE id = ?"""

NEXT: Final = "SELECT id, 1, completion FROM waiting ORDER BY id LIMIT ?"

LEASE_UP_TO: Final = """
    INSERT INTO held (id, learner, completion, put_at, attempts, leased, since, until)
    SELECT id, learner, completion, put_at, 1, 1, ?, ? FROM waiting WHERE id <= ?"""

FORGET_UP_TO: Final = "DELETE FROM waiting WHERE id <= ?"

# The fence: only the lease with this number of attempts, and only until it is given back.
_STILL_HELD: Final = "id = ? AND attempts = ? AND leased = 1"

DONE: Final = f"DELETE FROM held WHERE {_STILL_HELD}"  # noqa: S608

GIVE_BACK: Final = f"UPDATE held SET leased = 0, since = ?, until = ? WHERE {_STILL_HELD}"  # noqa: S608

RENEW: Final = f"UPDATE held SET since = ?, until = ? WHERE {_STILL_HELD}"  # noqa: S608

BURY: Final = f"""
    INSERT INTO dead (learner, completion, reason, died_at)
    SELECT learner, completion, ?, ? FROM held WHERE {_STILL_HELD}"""  # noqa: S608

DEAD: Final = """
    SELECT id, completion, reason, died_at FROM dead WHERE id > ? ORDER BY id LIMIT ?"""

REPLAY: Final = f"""
    INSERT INTO waiting (id, learner, completion, put_at)
    SELECT {_LAST} + 1, learner, completion, ? FROM dead WHERE id = ?"""  # noqa: S608

DROP: Final = "DELETE FROM dead WHERE id = ?"

ERASE: Final = (
    "DELETE FROM waiting WHERE learner = ?",
    "DELETE FROM held WHERE learner = ?",
    "DELETE FROM dead WHERE learner = ?",
)

NOTE: Final = "INSERT OR REPLACE INTO notes (worker, note, told_at) VALUES (?, ?, ?)"

FORGET_NOTES: Final = "DELETE FROM notes WHERE told_at < ?"

NOTES: Final = "SELECT worker, note, told_at FROM notes ORDER BY told_at DESC, worker"

COUNTS: Final = f"""
    SELECT {_LAST} - gone + held, dead,
        (SELECT count(*) FROM held WHERE leased = 1 AND until > :now AND since <= :now),
        coalesce((SELECT put_at FROM held ORDER BY id LIMIT 1),
                 (SELECT put_at FROM waiting ORDER BY id LIMIT 1))
    FROM tally"""  # noqa: S608
