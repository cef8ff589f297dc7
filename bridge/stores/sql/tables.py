"""The two tables as SQLAlchemy sees them, and how rows travel to the database: as one document.

A batch goes over as a single JSON parameter that the database turns into rows. One statement serves
500 rows or 50,000, there is no limit on bound parameters to run into, and SQLite and PostgreSQL
read nearly alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    bindparam,
    cast,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.types import TypeEngine

from bridge.config import Names
from bridge.json_format import isoformat, parse_stored_instant
from bridge.model import MAX_TEXT, Origin
from bridge.stores.sql.failures import NotAsWritten


class Instant(TypeDecorator[datetime]):
    """An instant: ``timestamptz`` in PostgreSQL, ISO 8601 text in UTC (which sorts) in SQLite.

    Args:
        exact: the column's name when what it holds without a time zone is refused, since nobody
            knows which instant it is. Otherwise that is taken to be in UTC.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def __init__(self, exact: str = "") -> None:
        super().__init__()
        self.exact = exact

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else self.impl_instance)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return isoformat(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC.

        Raises:
            NotAsWritten: it is none, and has to be one.
        """
        zone = getattr(value, "tzinfo", None)
        if self.exact and value is not None and dialect.name != "sqlite" and zone is None:
            raise inexact_instant(self.exact, f"it holds a {type(value).__name__} without zone")
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day, tzinfo=UTC)
        try:
            return parse_stored_instant(value)
        except ValueError:
            raise inexact_instant(self.exact, "it holds what is no instant") from None


def is_exact(type_: TypeEngine[Any]) -> bool:
    """Return whether PostgreSQL keeps instants of this type to the millisecond, with their zone."""
    if not isinstance(type_, TIMESTAMP) or not type_.timezone:
        return False
    return type_.precision is None or type_.precision >= 3


def inexact_instant(column: str, found: str) -> NotAsWritten:
    """Return the error that says that instants are not kept as they are, and what to do.

    Args:
        column: the table's and the column's name.
        found: what is the matter, in words.
    """
    table, _, name = column.partition(".")
    return NotAsWritten(
        f"{column} does not keep instants as they are: {found}",
        "let no trigger fill it, and make it a timestamptz of precision 3 or more: "
        f"ALTER TABLE {table} ALTER {name} TYPE timestamptz USING {name} AT TIME ZONE 'UTC' "
        "(or the zone that its values are in)",
    )


class Tables:
    """The learners' and the progress table, under the data owner's names for them.

    Columns have the bridge's own keys (``learners.c.origin``, ``progress.c.learner``), whatever
    they are called in the database.
    """

    def __init__(self, names: Names) -> None:
        self.metadata = MetaData()
        self.learners = self._learners(names)
        self.progress = self._progress(names)

    def _learners(self, names: Names) -> Table:
        columns = names.learner_fields
        origins = ", ".join(f"'{origin}'" for origin in Origin)
        return Table(
            names.learners,
            self.metadata,
            Column(columns.id, Integer, primary_key=True, key="id"),
            Column(columns.origin, String(50), nullable=False, key="origin"),
            Column(
                columns.external_user_id, String(MAX_TEXT), nullable=False, key="external_user_id"
            ),
            Column(columns.email, String(MAX_TEXT), key="email"),
            Column(columns.date_creation, Instant, key="date_creation"),
            UniqueConstraint("origin", "external_user_id"),
            CheckConstraint(f"{columns.origin} IN ({origins})"),
        )

    def _progress(self, names: Names) -> Table:
        columns = names.progress_fields
        return Table(
            names.progress,
            self.metadata,
            Column(columns.id, Integer, primary_key=True, key="id"),
            Column(
                columns.learner,
                ForeignKey(self.learners.c.id, ondelete="CASCADE"),
                nullable=False,
                key="learner",
            ),
            Column(columns.grain_id, String(MAX_TEXT), nullable=False, key="grain_id"),
            Column(columns.module_id, String(MAX_TEXT), key="module_id"),
            Column(columns.sequence_id, String(MAX_TEXT), key="sequence_id"),
            Column(
                columns.completed_at,
                Instant(f"{names.progress}.{columns.completed_at}"),
                nullable=False,
                key="completed_at",
            ),
            UniqueConstraint("learner", "grain_id"),
        )


class Rows:
    """Rows that the caller sends along with a statement, to be read there like a table's.

    Args:
        columns: name and type of each.
        dialect: ``sqlite`` or ``postgresql``.
    """

    def __init__(self, columns: Mapping[str, TypeEngine[Any]], dialect: str) -> None:
        document = bindparam("rows", type_=Text())
        if dialect == "sqlite":
            self.table = func.json_each(document).table_valued("value", name="sent")
        else:
            elements = func.jsonb_array_elements(cast(document, JSONB))
            self.table = elements.table_valued("value", name="sent")
        value = self.table.c.value
        self._columns: dict[str, ColumnElement[Any]] = {}
        for position, (name, type_) in enumerate(columns.items()):
            self._columns[name] = (
                func.json_extract(value, f"$[{position}]", type_=type_)
                if dialect == "sqlite"
                else cast(value.op("->>")(position), type_)
            )

    def __getitem__(self, name: str) -> ColumnElement[Any]:
        return self._columns[name]

    @property
    def all(self) -> Sequence[ColumnElement[Any]]:
        """Return every column, in order."""
        return list(self._columns.values())


def document(rows: Iterable[Sequence[Any]]) -> dict[str, str]:
    """Return the parameter that hands the rows over."""
    return {"rows": json.dumps([list(row) for row in rows], ensure_ascii=False)}
