"""The statements of the SQL store, written once for both databases and built once per store."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Delete,
    Executable,
    Integer,
    Text,
    and_,
    delete,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from bridge.stores.sql.tables import Instant, Rows, Tables


class Statements:
    """The statements. Each takes its rows as the one parameter that `document` makes.

    Args:
        tables: what they read and write.
        dialect: ``sqlite`` or ``postgresql``.
    """

    def __init__(self, tables: Tables, dialect: str) -> None:
        self._learners, self._progress = tables.learners, tables.progress
        self._dialect = dialect
        self._insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
        self.find_learners = self._find_learners()
        self.add_learners = self._add_learners()
        self.find_progress = self._find_progress()
        self.add_progress = self._add_progress()
        self.remove_progress = self._remove_progress()

    def _find_learners(self) -> Executable:
        """Find learners, whose rows stay locked until the commit.

        (position, origin, external id) → (position, primary key).

        Writers of the same learner so come one after the other, in an order that cannot deadlock.
        In SQLite the whole database is locked already.
        """
        rows = Rows({"position": Integer(), "origin": Text(), "external": Text()}, self._dialect)
        table = self._learners
        matches = and_(
            table.c.origin == rows["origin"], table.c.external_user_id == rows["external"]
        )
        found = select(rows["position"], table.c.id).select_from(rows.table.join(table, matches))
        return found.order_by(table.c.id).with_for_update(key_share=True, of=table)

    def _add_learners(self) -> sqlite.Insert | postgresql.Insert:
        """Add learners. Those that exist stay as they are.

        (origin, external id, e-mail address, date of creation).
        """
        columns: dict[str, TypeEngine[Any]] = {
            "origin": Text(),
            "external_user_id": Text(),
            "email": Text(),
            "date_creation": Instant(),
        }
        rows = Rows(columns, self._dialect)
        # SQLite's grammar needs the WHERE to tell ON CONFLICT from a join's ON.
        source = select(*rows.all).select_from(rows.table).where(true())
        unique = [self._learners.c.origin, self._learners.c.external_user_id]
        insert = self._insert(self._learners).from_select(list(columns), source)
        # Of no other constraint: that a primary key is taken must not go unnoticed.
        return insert.on_conflict_do_nothing(index_elements=unique)

    def _find_progress(self) -> Executable:
        """Find what is recorded of learners and grains, several rows each on an old base.

        (learner's primary key, origin, external id, grain) → (primary key, learner's primary key,
        grain, module, sequence, instant), each only while the key is that learner's.
        """
        columns: dict[str, TypeEngine[Any]] = {
            "learner": BigInteger(),
            "origin": Text(),
            "external": Text(),
            "grain": Text(),
        }
        rows = Rows(columns, self._dialect)
        table, learners = self._progress, self._learners
        owned = and_(
            learners.c.id == rows["learner"],
            learners.c.origin == rows["origin"],
            learners.c.external_user_id == rows["external"],
        )
        matches = and_(table.c.learner == learners.c.id, table.c.grain_id == rows["grain"])
        return select(
            table.c.id,
            table.c.learner,
            table.c.grain_id,
            table.c.module_id,
            table.c.sequence_id,
            table.c.completed_at,
        ).select_from(rows.table.join(learners, owned).join(table, matches))

    def _add_progress(self) -> Executable:
        """Add progress rows, each only while its key is that learner's.

        (learner's primary key, origin, external id, grain, module, sequence, instant) → on
        PostgreSQL one row: (how many were written, how many of them as they were sent).
        """
        columns: dict[str, TypeEngine[Any]] = {
            "learner": BigInteger(),
            "origin": Text(),
            "external": Text(),
            "grain_id": Text(),
            "module_id": Text(),
            "sequence_id": Text(),
            "completed_at": Instant(),
        }
        rows = Rows(columns, self._dialect)
        learners, progress = self._learners, self._progress
        parts = [column.label(name) for name, column in zip(columns, rows.all, strict=True)]
        document = select(*parts).select_from(rows.table)
        embedded = self._dialect == "sqlite"  # of WITH … INSERT, its driver counts no rows
        sent = document.subquery("sent_rows") if embedded else document.cte("sent_rows")
        owned = and_(
            learners.c.id == sent.c.learner,
            learners.c.origin == sent.c.origin,
            learners.c.external_user_id == sent.c.external,
        )
        names = ["grain_id", "module_id", "sequence_id", "completed_at"]
        source = select(learners.c.id, *(sent.c[name] for name in names))
        source = source.select_from(sent.join(learners, owned))
        insert = self._insert(progress).from_select(["learner", *names], source)
        if embedded:
            return insert.execution_options(preserve_rowcount=True)
        kept = insert.returning(progress.c.learner, progress.c.grain_id, progress.c.completed_at)
        written = kept.cte("written")
        same = and_(
            written.c.learner == sent.c.learner,
            written.c.grain_id == sent.c.grain_id,
            # A timestamp would equal it too, in a session whose time zone is UTC.
            func.pg_typeof(written.c.completed_at) == _TIMESTAMPTZ,
            written.c.completed_at == sent.c.completed_at,
        )
        return select(func.count(), func.count(sent.c.learner)).select_from(
            written.outerjoin(sent, same)
        )

    def _remove_progress(self) -> Delete:
        """Remove progress rows, each only while it is that learner's.

        (primary key, origin, external id).
        """
        columns: dict[str, TypeEngine[Any]] = {
            "row": BigInteger(),
            "origin": Text(),
            "external": Text(),
        }
        rows = Rows(columns, self._dialect)
        progress, learners = self._progress.alias("theirs"), self._learners
        owned = and_(
            learners.c.id == progress.c.learner,
            learners.c.origin == rows["origin"],
            learners.c.external_user_id == rows["external"],
        )
        found = rows.table.join(progress, progress.c.id == rows["row"]).join(learners, owned)
        wanted = select(progress.c.id).select_from(found)
        return delete(self._progress).where(self._progress.c.id.in_(wanted))


_TIMESTAMPTZ: Final[ColumnElement[Any]] = literal_column("CAST('timestamptz' AS regtype)")
