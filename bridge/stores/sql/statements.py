"""The statements of the SQL store, written once for both databases and built once per store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Delete, Executable, Integer, Text, and_, delete, select, true
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
        return (
            self._insert(self._learners).from_select(list(columns), source).on_conflict_do_nothing()
        )

    def _find_progress(self) -> Executable:
        """Find what is recorded of learners and grains, several rows each on an old base.

        (learner's primary key, grain) → (primary key, learner's primary key, grain, module,
        sequence, instant).
        """
        rows = Rows({"learner": Integer(), "grain": Text()}, self._dialect)
        table = self._progress
        matches = and_(table.c.learner == rows["learner"], table.c.grain_id == rows["grain"])
        return select(
            table.c.id,
            table.c.learner,
            table.c.grain_id,
            table.c.module_id,
            table.c.sequence_id,
            table.c.completed_at,
        ).select_from(rows.table.join(table, matches))

    def _add_progress(self) -> sqlite.Insert | postgresql.Insert:
        """Add progress rows: (learner's primary key, grain, module, sequence, instant)."""
        columns: dict[str, TypeEngine[Any]] = {
            "learner": Integer(),
            "grain_id": Text(),
            "module_id": Text(),
            "sequence_id": Text(),
            "completed_at": Instant(),
        }
        rows = Rows(columns, self._dialect)
        source = select(*rows.all).select_from(rows.table)
        return self._insert(self._progress).from_select(list(columns), source)

    def _remove_progress(self) -> Delete:
        """Remove progress rows: (primary key)."""
        rows = Rows({"row": Integer()}, self._dialect)
        wanted = select(rows["row"]).select_from(rows.table)
        return delete(self._progress).where(self._progress.c.id.in_(wanted))
