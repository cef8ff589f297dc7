"""The outbox in one SQLite file: for the processes and threads of one machine.

It keeps its promise on any local disk that honours fsync: the file is in WAL mode with
``synchronous=FULL``. On a network file system it does not, for SQLite's WAL needs shared memory.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final

from bridge.checks import Finding
from bridge.config import OutboxSettings
from bridge.errors import OutboxUnavailable
from bridge.model import Completion, Identity
from bridge.outbox import codec
from bridge.outbox.base import (
    MAX_HOLD_SECONDS,
    MAX_NOTE_AGE_SECONDS,
    Counts,
    DeadLetter,
    Erased,
    ErasureRequest,
    Leased,
    Note,
)
from bridge.outbox.ownership import check_owner, findings
from bridge.outbox.sqlite import statements as sql
from bridge.outbox.sqlite.connection import SQLiteFile
from bridge.outbox.sqlite.group_commit import GroupCommit

_CHECK_TEXT: Final = " " * 10_000
"""What `check` writes and removes: more than fits a page, so that a full disk is seen."""

Row = tuple[str | None, ...]


class SQLiteOutbox:
    """An outbox in a file that is created when it is first used.

    Args:
        settings: ``path`` is the file, ``timeout`` how long to wait for its lock.
        store_email: keep e-mail addresses (personal data) until delivery.
        store: the mark of the store that is delivered to, or None when it is not known.
        clock: seconds since 1970, as `time.time` gives them. Every process's must agree.
    """

    def __init__(
        self,
        settings: OutboxSettings,
        *,
        store_email: bool = False,
        store: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._shown = settings.shown_url
        self._file = SQLiteFile(settings.path, settings.timeout)
        self._store_email = store_email
        self._store = store
        self._clock = clock
        self._commits: GroupCommit[Row] = GroupCommit(self._file.lock, self._commit)

    def put(self, completions: Sequence[Completion]) -> None:
        if completions:
            self._commits.add([self._row(completion) for completion in completions])

    def lease(self, most: int, seconds: float) -> list[Leased]:
        if most < 1:
            return []
        with self._file.lock, self._file as connection:
            now = self._clock()
            until = now + min(seconds, MAX_HOLD_SECONDS)
            rows = connection.execute(sql.DUE, {"now": now, "most": most}).fetchall()
            connection.executemany(sql.LEASE_AGAIN, [(now, until, row[0]) for row in rows])
            fresh = connection.execute(sql.NEXT, (most - len(rows),)).fetchall()
            if fresh:
                last = fresh[-1][0]
                connection.execute(sql.LEASE_UP_TO, (now, until, last))
                connection.execute(sql.FORGET_UP_TO, (last,))
            rows += fresh
            if forgotten := [(key,) for key, _, to_erase, *_what in rows if to_erase]:
                connection.executemany(sql.FORGET, forgotten)
        items = [(str(key), n, _read(what)) for key, n, to_erase, *what in rows if not to_erase]
        return codec.leased_items(items, self._bury)

    def renew(self, items: Sequence[Leased], seconds: float) -> int:
        return self._hold_back(sql.RENEW, items, seconds)

    def done(self, items: Sequence[Leased]) -> int:
        if not items:
            return 0
        with self._file.lock, self._file as connection:
            return connection.executemany(sql.DONE, [(i.id, i.token) for i in items]).rowcount

    def give_back(self, items: Sequence[Leased], delay: float = 0.0) -> int:
        return self._hold_back(sql.GIVE_BACK, items, delay)

    def bury(self, item: Leased, reason: str) -> bool:
        return self._bury(item.id, item.token, reason)

    def _bury(self, key: str, token: str, reason: str) -> bool:
        with self._file.lock, self._file as connection:
            connection.execute(sql.BURY, (reason, self._clock(), key, token))
            return connection.execute(sql.DONE, (key, token)).rowcount == 1

    def dead(self, most: int = 100, after: str | None = None) -> list[DeadLetter]:
        with self._file.lock:
            rows = self._file.run(sql.DEAD, (after or 0, most))
        return [
            DeadLetter(str(key), _read(what), reason, datetime.fromtimestamp(died, UTC))
            for key, reason, died, *what in rows
        ]

    def replay(self, ids: Sequence[str]) -> int:
        replayed = 0
        with self._file.lock, self._file as connection:
            for key in ids:
                connection.execute(sql.REPLAY, (self._clock(), key))
                replayed += connection.execute(sql.DROP, (key,)).rowcount
        return replayed

    def drop(self, ids: Sequence[str]) -> int:
        with self._file.lock, self._file as connection:
            return sum(connection.execute(sql.DROP, (key,)).rowcount for key in ids)

    def erase(self, identity: Identity) -> Erased:
        values: dict[str, Any] = identity.as_dict()
        with self._file.lock, self._file as connection:
            values["now"] = self._clock()
            gone = sum(connection.execute(statement, values).rowcount for statement in sql.ERASE)
            leased = _leased(connection, values)
        if (
            not leased
        ):  # also when nothing was left: what was delivered can still be in the -wal file
            with self._file.lock:
                self._file.clean()
        return Erased(gone, leased)

    def request_erasure(self, identity: Identity) -> None:
        values: dict[str, Any] = identity.as_dict()
        with self._file.lock, self._file as connection:
            connection.execute(sql.REQUEST_ERASURE, values | {"now": self._clock()})

    def lease_erasures(self, most: int, seconds: float) -> list[ErasureRequest]:
        with self._file.lock:
            # Most of the time nobody is to be erased; then nothing is locked or written.
            if not self._file.run(sql.ANY_ERASURE_DUE, {"now": self._clock()}):
                return []
            token = secrets.token_hex(8)
            with self._file as connection:
                now = self._clock()
                until = now + min(seconds, MAX_HOLD_SECONDS)
                values = {"now": now, "until": until, "most": most, "token": token}
                connection.execute(sql.LEASE_ERASURES, values)
                rows = connection.execute(sql.LEASED_ERASURES, (token,)).fetchall()
        return codec.erasure_requests(rows)

    def erasure_done(self, request: ErasureRequest) -> bool:
        with self._file.lock, self._file as connection:
            done = connection.execute(sql.ERASURE_DONE, _of(request)).rowcount == 1
        with self._file.lock:
            self._file.clean()
        return done

    def put_off_erasure(
        self, request: ErasureRequest, delay: float, *, erased: bool = False
    ) -> bool:
        with self._file.lock, self._file as connection:
            now = self._clock()
            times = {"now": now, "until": now + min(delay, MAX_HOLD_SECONDS)}
            values = _of(request) | times | {"erased": erased}
            return connection.execute(sql.PUT_OFF_ERASURE, values).rowcount == 1

    def move(self, old: Identity, new: Identity) -> int:
        if old == new:
            return 0
        values: dict[str, Any] = old.as_dict()
        values |= {f"new_{name}": value for name, value in new.as_dict().items()}
        with self._file.lock, self._file as connection:
            values["now"] = self._clock()
            for statement in sql.MOVE:
                connection.execute(statement, values)
            return _leased(connection, values)

    def counts(self) -> Counts:
        now = self._clock()
        with self._file.lock:
            ((both, dead, leased, put_at, erasures, asked_at),) = self._file.run(
                sql.COUNTS, {"now": now}
            )
        oldest, oldest_erasure = _since(now, put_at), _since(now, asked_at)
        return Counts(both - leased, leased, dead, oldest, erasures, oldest_erasure)

    def owner(self) -> str | None:
        with self._file.lock:
            rows = self._file.run(sql.OWNER)
        return rows[0][0] if rows else None

    def claim(self, *, adopt: bool = False) -> str | None:
        theirs = self.owner()
        if self._store is None or theirs == self._store:
            return None
        if theirs is None or adopt:
            with self._file.lock, self._file as connection:
                connection.execute(sql.ADOPT if adopt else sql.CLAIM, (self._store,))
        if not adopt:
            theirs = self.owner()
            check_owner(self._shown, theirs, self._store)
            return None
        return theirs

    def note(self, worker: str, text: str) -> None:
        with self._file.lock, self._file as connection:
            now = self._clock()
            connection.execute(sql.FORGET_NOTES, (now - MAX_NOTE_AGE_SECONDS, now))
            connection.execute(sql.NOTE, (worker, text, now))

    def notes(self) -> list[Note]:
        with self._file.lock:
            rows = self._file.run(sql.NOTES, ())
        now = self._clock()  # after it: what was told while this waited is not of the future
        found = [Note(worker, text, _age(now, told)) for worker, text, told in rows]
        return sorted(found, key=lambda note: (note.age, note.worker))

    def trouble(self) -> OutboxUnavailable | None:
        try:
            with self._file.lock, self._file as connection:
                connection.execute("SAVEPOINT rehearsal")
                for statement in sql.REHEARSAL:
                    connection.execute(statement)
                connection.execute("ROLLBACK TO rehearsal")
                connection.execute("RELEASE rehearsal")
                connection.execute(sql.NOTE, ("", _CHECK_TEXT, self._clock()))
                connection.execute(sql.FORGET_NOTE, ("",))
        except OutboxUnavailable as error:
            return error
        return None

    def check(self) -> list[Finding]:
        if (error := self.trouble()) is not None:
            return [Finding(ok=False, message=f"outbox {error}", remedy=error.remedy)]
        message = f"outbox {self._file.path}: can be written: put, lease and done work"
        writable = Finding(ok=True, message=message)
        with suppress(OutboxUnavailable):  # told the next time
            return [writable, *findings(self._shown, self.owner(), self._store)]
        return [writable]

    def close(self) -> None:
        with self._file.lock:
            self._file.close_for_good()

    def _hold_back(self, statement: str, items: Sequence[Leased], seconds: float) -> int:
        """Hold back those of the items that are still leased, and return how many they are."""
        if not items:
            return 0
        with self._file.lock, self._file as connection:
            now = self._clock()
            until = now + min(seconds, MAX_HOLD_SECONDS)
            rows = [(now, until, item.id, item.token) for item in items]
            return connection.executemany(statement, rows).rowcount

    def _row(self, completion: Completion) -> Row:
        """Return the columns one by one: JSON would take a good part of the time of a put."""
        who = completion.identity
        return (
            str(who.origin),
            who.external_user_id,
            completion.grain_id,
            completion.module_id,
            completion.sequence_id,
            completion.completed_at.isoformat(timespec="milliseconds"),
            completion.email if self._store_email else None,
        )

    def _commit(self, rows: Sequence[Row]) -> None:
        """Write what several callers put, with the lock held."""
        if len(rows) <= sql.MAX_PUT:
            self._file.run(*self._put(rows))
            return
        with self._file as connection:
            for start in range(0, len(rows), sql.MAX_PUT):
                connection.execute(*self._put(rows[start : start + sql.MAX_PUT]))

    def _put(self, rows: Sequence[Row]) -> tuple[str, tuple[float | str | None, ...]]:
        """Return a statement that puts these, and its values."""
        return sql.put(len(rows)), (self._clock(), *chain.from_iterable(rows))


def _leased(connection: sqlite3.Connection, values: Mapping[str, Any]) -> int:
    """Return how many of the learner's items a worker has leased."""
    ((leased,),) = connection.execute(sql.COUNT_LEASED, values).fetchall()
    return int(leased)


def _of(request: ErasureRequest) -> dict[str, Any]:
    return {**request.identity.as_dict(), "token": request.token}


def _since(now: float, instant: float | None) -> float | None:
    return None if instant is None else max(0.0, now - instant)


def _age(now: float, told: float) -> float:
    """Return the seconds since a note was told, `MAX_NOTE_AGE_SECONDS` for one of the future.

    That was told before the clock was put back: it may not pass for new until the clock catches up.
    """
    return now - told if told <= now else MAX_NOTE_AGE_SECONDS


def _read(values: Sequence[str]) -> Completion | None:
    return Completion.restore(dict(zip(sql.NAMES, values, strict=True)))
