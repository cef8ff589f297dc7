"""The rows of learners and progress: read and written within one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, inspect, select

from bridge.json_format import isoformat
from bridge.model import Completion, Identity, Learner, Outcome, Progress
from bridge.stores.merge import Changes, LearnerGrain, earliest, learner_grain, merge
from bridge.stores.sql.failures import Conflict, MisconfiguredDatabase, NotAsWritten
from bridge.stores.sql.statements import Statements
from bridge.stores.sql.tables import Tables, document, inexact_instant, is_exact

Recorded = dict[LearnerGrain, tuple[int, Progress]]
"""What the database holds: the primary key and the progress."""


class StoredRows:
    """The rows of both tables. Every method works in the transaction of its caller.

    Args:
        tables: those of the store.
        dialect: ``sqlite`` or ``postgresql``.
        shown_url: the store, as a message may show it.
        store_email: keep the learners' e-mail addresses.
    """

    def __init__(self, tables: Tables, dialect: str, shown_url: str, *, store_email: bool) -> None:
        self._tables = tables
        self._statements = Statements(tables, dialect)
        self._shown_url = shown_url
        self._store_email = store_email

    def record(self, connection: Connection, completions: Sequence[Completion]) -> list[Outcome]:
        """Record a batch, as `Store.record` does, but for the transaction."""
        emails = {completion.identity: completion.email for completion in reversed(completions)}
        ids = self.resolve(connection, emails)
        recorded = self.find_recorded(connection, completions, ids)
        changes = merge(completions, {pair: kept for pair, (_, kept) in recorded.items()})
        self._write(connection, changes, ids, recorded)
        return changes.outcomes

    def erase(self, connection: Connection, identity: Identity) -> bool:
        """Remove the learner and their progress, as `Store.erase` does."""
        learners, progress = self._tables.learners, self._tables.progress
        if not self._find_learners(connection, [identity]):
            return False
        # By who they are, and not by a key that may be somebody else's.
        theirs = (
            learners.c.origin == str(identity.origin),
            learners.c.external_user_id == identity.external_user_id,
        )
        ids = select(learners.c.id).where(*theirs)
        connection.execute(delete(progress).where(progress.c.learner.in_(ids)))
        left = select(func.count()).select_from(progress).where(progress.c.learner.in_(ids))
        if connection.scalar(left):
            raise self._kept_back(progress, "rows of the learner are being written")
        if not connection.execute(delete(learners).where(*theirs)).rowcount:
            raise self._kept_back(learners, "the learner is being erased")
        return True

    def _kept_back(self, table: Table, otherwise: str) -> Conflict:
        """Return the conflict that rows are there still which were removed.

        Args:
            table: of the rows.
            otherwise: what it mostly means.
        """
        return Conflict(
            f"{self._shown_url}: {otherwise}",
            MisconfiguredDatabase(
                f"{self._shown_url}: rows that are removed from {table.name} stay there",
                "does a trigger, a rule or row-level security keep them?",
            ),
        )

    def learner(self, connection: Connection, identity: Identity) -> Learner | None:
        """Read the learner's row."""
        table = self._tables.learners
        row = connection.execute(
            select(table.c.id, table.c.email, table.c.date_creation).where(
                table.c.origin == str(identity.origin),
                table.c.external_user_id == identity.external_user_id,
            )
        ).first()
        return row and Learner(row.id, identity, row.email, row.date_creation)

    def progress(self, connection: Connection, identity: Identity) -> list[Progress]:
        """Read the learner's record, earliest first."""
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

    def resolve(
        self, connection: Connection, emails: dict[Identity, str | None]
    ) -> dict[Identity, int]:
        """Find the primary key of every learner, creating those nobody has seen.

        Raises:
            Conflict: one is being erased.
        """
        ids = self._find_learners(connection, emails)
        missing = {identity: email for identity, email in emails.items() if identity not in ids}
        if missing:
            self.add_learners(connection, missing)
            ids |= self._find_learners(connection, missing)
        if len(ids) < len(emails):
            where = self._shown_url
            raise Conflict(
                f"{where}: learners are being erased",
                MisconfiguredDatabase(
                    f"{where}: learners who were just added are not there to be read",
                    "does row-level security, a trigger or a rule hide them from this user?",
                ),
            )
        return ids

    def _find_learners(
        self, connection: Connection, identities: Iterable[Identity]
    ) -> dict[Identity, int]:
        wanted = list(identities)
        rows = [(n, str(who.origin), who.external_user_id) for n, who in enumerate(wanted)]
        found = connection.execute(self._statements.find_learners, document(rows))
        ids = {wanted[position]: row_id for position, row_id in found}
        self._check_keys(self._tables.learners, ids.values())
        return ids

    def add_learners(self, connection: Connection, emails: dict[Identity, str | None]) -> None:
        """Add learners, each with an e-mail address or None. Those that exist stay as they are."""
        now = isoformat(datetime.now(UTC))
        rows = sorted(
            (str(who.origin), who.external_user_id, email if self._store_email else None, now)
            for who, email in emails.items()
        )
        connection.execute(self._statements.add_learners, document(rows))

    def find_recorded(
        self, connection: Connection, completions: Sequence[Completion], ids: dict[Identity, int]
    ) -> Recorded:
        """Find what is recorded already of the rows that the batch is about."""
        identities = {row_id: identity for identity, row_id in ids.items()}
        wanted = {
            (ids[who], str(who.origin), who.external_user_id, grain)
            for who, grain in map(learner_grain, completions)
        }
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
        recorded: Recorded,
    ) -> None:
        if changes.replace:
            # A new row, not a changed one: a bridge over Directus knows by its id that it moved.
            replaced = [
                (recorded[pair][0], str(pair[0].origin), pair[0].external_user_id)
                for pair in changes.replace
            ]
            self._check_keys(self._tables.progress, [row[0] for row in replaced])
            gone = connection.execute(self._statements.remove_progress, document(replaced))
            if gone.rowcount != len(replaced):
                raise self._kept_back(self._tables.progress, "rows are being replaced or erased")
        if added := changes.create | changes.replace:
            rows = [
                (
                    ids[who],
                    str(who.origin),
                    who.external_user_id,
                    grain,
                    new.module_id,
                    new.sequence_id,
                    isoformat(new.completed_at),
                )
                for (who, grain), new in added.items()
            ]
            self._add_progress(connection, rows)

    def _add_progress(self, connection: Connection, rows: list[tuple[Any, ...]]) -> None:
        """Write the rows, and see that each is its learner's and at its instant.

        Raises:
            Conflict: a learner is not there any more.
            NotAsWritten: the database keeps something else. The transaction is to be undone.
        """
        done = connection.execute(self._statements.add_progress, document(rows))
        written, same = done.one() if done.returns_rows else (done.rowcount, done.rowcount)
        where = self._shown_url
        if written != len(rows):
            raise Conflict(
                f"{where}: learners are being erased",
                NotAsWritten(
                    f"{where}: rows that are written to {self._tables.progress.name} do not get "
                    "there",
                    "does a trigger, a rule or row-level security keep them out?",
                ),
            )
        if same != written:
            raise self.not_as_written(connection)

    def _check_keys(self, table: Table, keys: Iterable[object]) -> None:
        """Make sure that a table's keys are whole numbers.

        Raises:
            MisconfiguredDatabase: they are not.
        """
        if not all(isinstance(key, int) for key in keys):
            raise MisconfiguredDatabase(
                f"{self._shown_url}: {table.name}.{table.c.id.name} is no whole number",
                "give the table a key of type integer or bigint that numbers itself",
            )

    def not_as_written(self, connection: Connection) -> NotAsWritten:
        """Return the error that says that what is read is not what was written."""
        table = self._tables.progress
        column = table.c.completed_at
        there = {each["name"]: each["type"] for each in inspect(connection).get_columns(table.name)}
        type_ = there[column.name]
        if is_exact(type_) or connection.dialect.name == "sqlite":
            return NotAsWritten(
                f"table {table.name} keeps other values than are written to it, "
                f"of {column.name} or another column",
                "let no trigger change or fill what the bridge writes",
            )
        shown = type_.compile(connection.dialect)
        return inexact_instant(f"{table.name}.{column.name}", f"it is a {shown}")
