"""Which constraint a refused row broke, and what that means.

The columns are read from the database's words, and never the values beside them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Table

from bridge.errors import StoreError
from bridge.stores.sql.failures import Conflict, MisconfiguredDatabase, Refused
from bridge.stores.sql.tables import Tables

_POSTGRESQL_KEY: Final = re.compile(r"\(([^()]*)\)=\(")
"""``Key (origin, external_user_id)=(moodle, 5) already exists.``, in whatever language."""


@dataclass(frozen=True)
class Violation:
    """A constraint that a row broke.

    Attributes:
        shown_url: the store, as a message may show it.
        table: the table that has the constraint, empty when the database does not say.
        columns: those of the constraint, empty when the database does not say.
        name: of the constraint, empty when the database does not say.
    """

    shown_url: str
    table: str
    columns: frozenset[str]
    name: str = ""

    def of_uniqueness(self, tables: Tables) -> StoreError:
        """Return what it means that there is such a row already."""
        table = self._ours(tables)
        key = table.c.id.name
        if self.columns == set(_identifying(tables, table)):
            return Conflict(f"{self.shown_url}: another writer came first")
        if key in self.columns or (not self.columns and self.name.endswith("_pkey")):
            return sequence_behind(self.shown_url, table)
        return Conflict(
            f"{self.shown_url}: another writer came first ({self})",
            Refused(f"there is such a row already: {self}"),
        )

    def of_reference(self, tables: Tables) -> StoreError:
        """Return what it means that a row refers to one that is not there."""
        table = tables.progress
        own = {table.c.learner.name, table.c.id.name}
        if self.table not in ("", table.name) or self.columns - own:
            return Refused(f"{self}: does another table refer to them?")
        return Conflict(
            f"{self.shown_url}: another writer came first ({self})",
            MisconfiguredDatabase(
                f"{self.shown_url}: {self} refuses a learner who is there",
                f"let {table.name}.{table.c.learner.name} refer to {tables.learners.name}",
            ),
        )

    def __str__(self) -> str:
        name = self.name or ", ".join(sorted(self.columns)) or "of unknown name"
        return f"constraint {name}" + (f" of table {self.table}" if self.table else "")

    def _ours(self, tables: Tables) -> Table:
        """Return the table of the bridge's that the constraint is about.

        A partition has a name of its own.
        """
        learners = tables.learners
        named = self.table == learners.name or learners.c.external_user_id.name in self.columns
        return learners if named else tables.progress


def columns_in_detail(detail: str | None) -> frozenset[str]:
    """Return the columns that PostgreSQL's detail of an error names."""
    found = _POSTGRESQL_KEY.search(detail or "")
    return frozenset(part.strip(' "') for part in found[1].split(",")) if found else frozenset()


def sequence_behind(shown_url: str, table: Table) -> MisconfiguredDatabase:
    """Return the error that says that the table's next key is taken, and what to do."""
    return MisconfiguredDatabase(
        f"{shown_url}: the next key of table {table.name} is taken: its sequence is behind, "
        "as after an import",
        set_sequence(table),
    )


def set_sequence(table: Table) -> str:
    """Return the statement that brings the sequence of the table's keys up to date."""
    key, name = table.c.id.name, table.name
    largest = f'(SELECT max("{key}") FROM "{name}")'  # noqa: S608  # to be shown, not run
    return f"""SELECT setval(pg_get_serial_sequence('"{name}"', '{key}'), {largest})"""


def _identifying(tables: Tables, table: Table) -> tuple[str, str]:
    """Return the columns that say which row of the table it is."""
    if table is tables.learners:
        return table.c.origin.name, table.c.external_user_id.name
    return table.c.learner.name, table.c.grain_id.name
