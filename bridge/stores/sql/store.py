"""Progress in an SQL database: SQLite, embedded and needing nothing, or PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, exc

from bridge.checks import Finding
from bridge.config import StoreSettings
from bridge.errors import StoreError, StoreMisconfigured, StoreUnavailable
from bridge.json_format import learner_as_json
from bridge.model import Completion, Identity, Learner, Origin, Outcome, Progress
from bridge.stores.sql.check import check_tables
from bridge.stores.sql.engine import for_writing, open_engine
from bridge.stores.sql.errors import meaning
from bridge.stores.sql.failures import (
    Conflict,
    MisconfiguredDatabase,
    NotAsWritten,
    Refused,
    UnreachableDatabase,
)
from bridge.stores.sql.made_up import earlier, made_up_completion, made_up_learner
from bridge.stores.sql.sqlite_file import SQLiteStoreFile
from bridge.stores.sql.stored_rows import StoredRows
from bridge.stores.sql.tables import Tables

T = TypeVar("T")

MAX_ATTEMPTS: Final = 5
"""How often a batch is tried again because another writer came first."""

REHEARSED_FOR: Final = 60.0
"""Seconds for which it is known that rows are kept as they are: somebody may alter the table."""


class SQLStore:
    """A `Store` on SQLAlchemy Core. A batch is one transaction, of a handful of statements.

    SQLite creates its own tables. PostgreSQL's come from ``sql/``. On an old base that lacks the
    unique constraint on progress it works as well, as long as the other writers are bridges.

    Args:
        settings: the URL, the time-outs and the data owner's names.
        store_email: keep the learners' e-mail addresses.
    """

    def __init__(self, settings: StoreSettings, *, store_email: bool = False) -> None:
        self._settings = settings
        self._tables = Tables(settings.names)
        self._engine = open_engine(settings)
        self._rows = StoredRows(
            self._tables,
            self._engine.dialect.name,
            settings.shown_url,
            store_email=store_email,
        )
        self._pid = os.getpid()
        self._rehearse_again = 0.0
        self._file: SQLiteStoreFile | None = None
        if settings.scheme == "sqlite":
            self._file = SQLiteStoreFile(self._engine, settings.read_timeout, self._create)

    def record(self, completions: Sequence[Completion]) -> list[Outcome]:
        if not completions:
            return []
        try:
            return self._record_batch(completions)
        except Refused as refusal:
            reason = str(refusal)
        if len(completions) == 1:
            self._check_ordinary_rows(completions[0].identity.origin)
            return [Outcome.rejected(f"the database refuses it: {reason}")]
        half = len(completions) // 2
        return self.record(completions[:half]) + self.record(completions[half:])

    def progress(self, identity: Identity) -> list[Progress]:
        with self._transaction() as connection:
            return self._rows.progress(connection, identity)

    def learner(self, identity: Identity, email: str | None = None) -> Learner:
        with self._transaction() as connection:
            learner = self._rows.learner(connection, identity)
        return learner or self._create_learner(identity, email)

    def _create_learner(self, identity: Identity, email: str | None) -> Learner:
        def create(connection: Connection) -> Learner | None:
            self._rows.resolve(connection, {identity: email})
            return self._rows.learner(connection, identity)

        try:
            learner = self._attempt(create)
        except Refused as refusal:
            raise StoreMisconfigured(
                f"{self._settings.shown_url}: the database refuses the learner ({refusal})"
            ) from None
        if learner is None:
            raise StoreUnavailable(f"{self._settings.shown_url}: the learner was erased meanwhile")
        return learner

    def export(self, identity: Identity) -> dict[str, Any] | None:
        with self._transaction() as connection:
            learner = self._rows.learner(connection, identity)
            if learner is None:
                return None
            return learner_as_json(learner, self._rows.progress(connection, identity))

    def erase(self, identity: Identity) -> bool:
        try:
            return self._attempt(lambda connection: self._rows.erase(connection, identity))
        except Refused as refusal:
            raise MisconfiguredDatabase(
                f"{self._settings.shown_url}: the learner cannot be erased ({refusal})",
                "remove what refers to them first, or let it go with them: ON DELETE CASCADE",
            ) from None

    def check(self) -> list[Finding]:
        findings: list[Finding] = []
        try:
            with self._transaction() as connection:
                findings.extend(check_tables(connection, self._tables, self._settings))
            if not any(finding.fatal and not finding.ok for finding in findings):
                findings.append(self._check_writing())
        except (MisconfiguredDatabase, UnreachableDatabase) as error:
            findings.append(Finding(ok=False, message=error.what, remedy=error.remedy))
        except StoreError as error:
            remedy = "mend store.url or the database"
            findings.append(Finding(ok=False, message=str(error), remedy=remedy))
        return findings

    def _check_writing(self) -> Finding:
        try:
            self._rehearse(made_up_learner(Origin.DIRECT), all_kinds=True)
        except MisconfiguredDatabase as error:
            return Finding(ok=False, message=error.what, remedy=error.remedy)
        except Conflict as conflict:
            failure = conflict.lasting or conflict
            return Finding(ok=False, message=str(failure), remedy="try again, or mend the database")
        except Refused as refusal:
            return Finding(
                ok=False,
                message=f"the database refuses a made-up completion: {refusal}",
                remedy="mend the constraint or trigger, or give the column a default",
            )
        return Finding(ok=True, message="recording, replacing and erasing: tried and taken back")

    def close(self) -> None:
        self._engine.dispose()

    # --- a batch ---------------------------------------------------------------------------

    def _record_batch(self, completions: Sequence[Completion]) -> list[Outcome]:
        self._rehearse_now_and_then(completions[0].identity.origin)
        return self._attempt(lambda connection: self._rows.record(connection, completions))

    def _attempt(self, work: Callable[[Connection], T]) -> T:
        """Do the work in a transaction, again and again while other writers come first.

        Raises:
            StoreError: of the work, or what it means that they always do.
        """
        for _ in range(MAX_ATTEMPTS):
            try:
                with self._transaction(writing=True) as connection:
                    return work(connection)
            except Conflict as conflict:
                failure = conflict
        if failure.lasting:
            raise failure.lasting
        raise StoreUnavailable(f"{failure}, {MAX_ATTEMPTS} times in a row")

    # --- rehearsing ------------------------------------------------------------------------

    def _rehearse_now_and_then(self, origin: Origin) -> None:
        """Make sure that what is written is what is read, at the first recording and later on.

        Only that: whatever else is wrong, the recording meets it too.

        Raises:
            NotAsWritten: the database keeps another row than it was given.
        """
        if monotonic() < self._rehearse_again:
            return
        with suppress(Refused, Conflict):
            try:
                self._rehearse(made_up_learner(origin))
            except MisconfiguredDatabase as error:
                if isinstance(error, NotAsWritten):
                    raise
        self._rehearse_again = monotonic() + REHEARSED_FOR

    def _rehearse(self, identity: Identity, *, all_kinds: bool = False) -> None:
        """Record for a learner who does not exist, read it, and take all of it back.

        The numbers that sequences gave out meanwhile are used up.

        Args:
            identity: whoever is made up.
            all_kinds: move it earlier and erase the learner as well.
        """
        first = made_up_completion(identity)
        with self._transaction(writing=True) as connection:
            self._record_and_read(connection, first)
            if all_kinds:
                self._record_and_read(connection, earlier(first))
                self._rows.erase(connection, identity)
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
            connection.rollback()

    def _record_and_read(self, connection: Connection, completion: Completion) -> None:
        self._rows.record(connection, [completion])
        if self._rows.progress(connection, completion.identity) != [completion.progress]:
            raise self._rows.not_as_written(connection)

    def _check_ordinary_rows(self, origin: Origin) -> None:
        """Make sure that a refusal is the item's fault: a made-up row is tried and taken back.

        Raises:
            StoreMisconfigured: the database refuses the made-up row as well.
        """
        try:
            self._rehearse(made_up_learner(origin))
        except Refused as refusal:
            raise MisconfiguredDatabase(
                f"{self._settings.shown_url}: the database refuses every completion ({refusal})",
                "does a column need a default?",
            ) from None

    # --- connections -----------------------------------------------------------------------

    @contextmanager
    def _transaction(self, *, writing: bool = False) -> Iterator[Connection]:
        """Open a transaction, and turn its errors into the bridge's."""
        try:
            engine = for_writing(self._engine) if writing else self._engine
            with self._prepared(), engine.begin() as connection:
                yield connection
            return
        except exc.SQLAlchemyError as error:
            failure = meaning(error, self._settings.shown_url, self._tables)
        raise failure from None

    @contextmanager
    def _prepared(self) -> Iterator[None]:
        """Make the engine fit for this process, and SQLite's tables where they are missing."""
        if self._file:
            with self._file.exclusive():
                yield
            return
        if self._pid != os.getpid():
            self._engine.dispose(close=False)  # the connections are the parent's
            self._pid = os.getpid()
        yield

    def _create(self) -> None:
        with for_writing(self._engine).begin() as connection:
            self._tables.metadata.create_all(connection)
