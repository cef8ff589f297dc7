"""Progress in an SQL database: SQLite, embedded and needing nothing, or PostgreSQL."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, exc, select

from bridge.checks import Finding
from bridge.config import StoreSettings
from bridge.errors import StoreError, StoreMisconfigured, StoreUnavailable
from bridge.json_format import isoformat, learner_as_json
from bridge.model import Completion, Identity, Learner, Origin, Outcome, Progress
from bridge.stores.merge import Changes, LearnerGrain, earliest, merge
from bridge.stores.sql.check import check_tables
from bridge.stores.sql.engine import for_writing, open_engine
from bridge.stores.sql.errors import Conflict, Refused, meaning
from bridge.stores.sql.sqlite_file import SQLiteStoreFile
from bridge.stores.sql.statements import Statements
from bridge.stores.sql.tables import Tables, document

MAX_ATTEMPTS: Final = 5
"""How often a batch is tried again because another writer came first."""

_Recorded = dict[LearnerGrain, tuple[int, Progress]]
"""What the database holds: the primary key and the progress."""


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
        self._store_email = store_email
        self._tables = Tables(settings.names)
        self._engine = open_engine(settings)
        self._statements = Statements(self._tables, self._engine.dialect.name)
        self._pid = os.getpid()
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
            self._check_ordinary_rows()
            return [Outcome.rejected(f"the database refuses it: {reason}")]
        half = len(completions) // 2
        return self.record(completions[:half]) + self.record(completions[half:])

    def progress(self, identity: Identity) -> list[Progress]:
        with self._transaction() as connection:
            return self._progress(connection, identity)

    def learner(self, identity: Identity, email: str | None = None) -> Learner:
        with self._transaction() as connection:
            learner = self._learner(connection, identity)
        if learner is None:
            with self._learner_transaction() as connection:
                self._add_learners(connection, {identity: email})
                learner = self._learner(connection, identity)
        if learner is None:
            raise StoreUnavailable(f"{self._settings.shown_url}: the learner was erased meanwhile")
        return learner

    def export(self, identity: Identity) -> dict[str, Any] | None:
        with self._transaction() as connection:
            learner = self._learner(connection, identity)
            if learner is None:
                return None
            return learner_as_json(learner, self._progress(connection, identity))

    def erase(self, identity: Identity) -> bool:
        for _ in range(MAX_ATTEMPTS):
            try:
                return self._erase(identity)
            except (Conflict, Refused) as refusal:
                reason = str(refusal)
        raise StoreMisconfigured(
            f"{self._settings.shown_url}: the learner cannot be erased, {MAX_ATTEMPTS} times in a "
            f"row; does another table refer to them? ({reason})"
        )

    def _erase(self, identity: Identity) -> bool:
        learners, progress = self._tables.learners, self._tables.progress
        with self._transaction(writing=True) as connection:
            ids = self._find_learners(connection, [identity])
            if not ids:
                return False
            connection.execute(delete(progress).where(progress.c.learner == ids[identity]))
            connection.execute(delete(learners).where(learners.c.id == ids[identity]))
            return True

    def check(self) -> list[Finding]:
        try:
            with self._transaction() as connection:
                return check_tables(connection, self._tables, self._settings)
        except StoreError as error:
            return [Finding(ok=False, message=str(error), remedy="mend store.url or the database")]

    def close(self) -> None:
        self._engine.dispose()

    # --- a batch ---------------------------------------------------------------------------

    def _record_batch(self, completions: Sequence[Completion]) -> list[Outcome]:
        for _ in range(MAX_ATTEMPTS):
            try:
                with self._transaction(writing=True) as connection:
                    ids = self._resolve(connection, completions)
                    recorded = self._find_recorded(connection, completions, ids)
                    changes = merge(
                        completions, {pair: kept for pair, (_, kept) in recorded.items()}
                    )
                    self._write(connection, changes, ids, recorded)
                return changes.outcomes
            except Conflict as conflict:
                reason = str(conflict)
        raise StoreUnavailable(f"{reason}, {MAX_ATTEMPTS} times in a row")

    def _resolve(
        self, connection: Connection, completions: Sequence[Completion]
    ) -> dict[Identity, int]:
        """Find the primary key of every learner of the batch, creating those nobody has seen."""
        emails = {completion.identity: completion.email for completion in reversed(completions)}
        ids = self._find_learners(connection, emails)
        missing = {identity: email for identity, email in emails.items() if identity not in ids}
        if missing:
            self._add_learners(connection, missing)
            ids |= self._find_learners(connection, missing)
        if len(ids) < len(emails):
            raise Conflict(f"{self._settings.shown_url}: learners are being erased")
        return ids

    def _find_learners(
        self, connection: Connection, identities: Iterable[Identity]
    ) -> dict[Identity, int]:
        wanted = list(identities)
        rows = [(n, str(who.origin), who.external_user_id) for n, who in enumerate(wanted)]
        found = connection.execute(self._statements.find_learners, document(rows))
        return {wanted[position]: row_id for position, row_id in found}

    def _add_learners(self, connection: Connection, emails: dict[Identity, str | None]) -> None:
        now = isoformat(datetime.now(UTC))
        rows = sorted(
            (str(who.origin), who.external_user_id, email if self._store_email else None, now)
            for who, email in emails.items()
        )
        connection.execute(self._statements.add_learners, document(rows))

    def _find_recorded(
        self, connection: Connection, completions: Sequence[Completion], ids: dict[Identity, int]
    ) -> _Recorded:
        """Find what is recorded already of the rows that the batch is about."""
        identities = {row_id: identity for identity, row_id in ids.items()}
        wanted = {(ids[completion.identity], completion.grain_id) for completion in completions}
        found = connection.execute(self._statements.find_progress, document(wanted))
        return earliest(
            ((identities[learner], grain), row_id, Progress(grain, *rest))
            for row_id, learner, grain, *rest in found
        )

    def _write(
        self,
        connection: Connection,
        changes: Changes,
        ids: dict[Identity, int],
        recorded: _Recorded,
    ) -> None:
        if changes.replace:
            # A new row, not a changed one: a bridge over Directus knows by its id that it moved.
            replaced = [(recorded[pair][0],) for pair in changes.replace]
            gone = connection.execute(self._statements.remove_progress, document(replaced))
            if gone.rowcount != len(replaced):
                raise Conflict(f"{self._settings.shown_url}: rows are being replaced or erased")
        if added := changes.create | changes.replace:
            rows = [
                (ids[who], grain, new.module_id, new.sequence_id, isoformat(new.completed_at))
                for (who, grain), new in added.items()
            ]
            connection.execute(self._statements.add_progress, document(rows))

    def _check_ordinary_rows(self) -> None:
        """Make sure that a refusal is the item's fault: a made-up row is tried and taken back.

        Raises:
            StoreMisconfigured: the database refuses the made-up row as well.
        """
        probe = Completion(Identity(Origin.DIRECT, uuid.uuid4()), "progress-bridge-probe")
        try:
            with self._transaction(writing=True) as connection:
                ids = self._resolve(connection, [probe])
                self._write(connection, merge([probe], {}), ids, {})
                connection.rollback()
        except Refused as refusal:
            raise StoreMisconfigured(
                f"{self._settings.shown_url}: the database refuses every completion ({refusal}); "
                "does a column need a default?"
            ) from None

    # --- reading ---------------------------------------------------------------------------

    def _learner(self, connection: Connection, identity: Identity) -> Learner | None:
        table = self._tables.learners
        row = connection.execute(
            select(table.c.id, table.c.email, table.c.date_creation).where(
                table.c.origin == str(identity.origin),
                table.c.external_user_id == identity.external_user_id,
            )
        ).first()
        return row and Learner(row.id, identity, row.email, row.date_creation)

    def _progress(self, connection: Connection, identity: Identity) -> list[Progress]:
        learners, table = self._tables.learners, self._tables.progress
        rows = connection.execute(
            select(table.c.grain_id, table.c.module_id, table.c.sequence_id, table.c.completed_at)
            .join(learners, learners.c.id == table.c.learner)
            .where(
                learners.c.origin == str(identity.origin),
                learners.c.external_user_id == identity.external_user_id,
            )
        )
        kept = earliest(((identity, row.grain_id), None, Progress(*row)) for row in rows)
        return sorted(progress for _, progress in kept.values())

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
            failure = meaning(error, self._settings.shown_url)
        raise failure from None

    @contextmanager
    def _learner_transaction(self) -> Iterator[Connection]:
        """Open a transaction that writes about one learner.

        There is no batch to divide or to repeat.
        """
        try:
            with self._transaction(writing=True) as connection:
                yield connection
            return
        except Conflict as conflict:
            failure: StoreError = StoreUnavailable(str(conflict))
        except Refused as refusal:
            failure = StoreMisconfigured(
                f"{self._settings.shown_url}: the database refuses the learner ({refusal})"
            )
        raise failure

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
