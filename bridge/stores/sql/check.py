"""What `SQLStore.check` looks at: tables, columns, rights, sequences and unique constraints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Column, Connection, Inspector, Integer, String, Table, inspect
from sqlalchemy.engine.interfaces import ReflectedColumn

from bridge.checks import Finding
from bridge.config import StoreSettings
from bridge.model import MAX_TEXT
from bridge.stores.sql.check_postgresql import check_server, check_table, elsewhere
from bridge.stores.sql.failures import MAKE_TABLES
from bridge.stores.sql.tables import Tables, inexact_instant, is_exact


def check_tables(
    connection: Connection, tables: Tables, settings: StoreSettings
) -> Iterator[Finding]:
    """Look at each thing that recording needs.

    Yields:
        A finding for each, in the order in which to mend them.
    """
    inspector = inspect(connection)
    postgresql = connection.dialect.name == "postgresql"
    yield Finding(ok=True, message=f"{settings.shown_url}: reached")
    if postgresql:
        yield from check_server(connection)
    shapes = {}
    for table in (tables.learners, tables.progress):
        shape = _shape(inspector, table)
        if postgresql and not inspector.has_table(table.name):
            shape = elsewhere(connection, table) or shape
        shapes[table.name] = shape
        yield shape
        if not shape.ok:
            continue
        types = list(_types(inspector, tables, table))
        yield from types
        if postgresql:
            yield from check_table(connection, table, numbered=_well(types))
    if _well(shapes.values()):
        yield _unique(inspector, tables.learners, ("origin", "external_user_id"))
        yield _unique(inspector, tables.progress, ("learner", "grain_id"))


def _well(findings: Iterable[Finding]) -> bool:
    return not any(finding.fatal and not finding.ok for finding in findings)


def _shape(inspector: Inspector, table: Table) -> Finding:
    if not inspector.has_table(table.name):
        return Finding(ok=False, message=f"table {table.name}: missing", remedy=MAKE_TABLES)
    there = {column["name"] for column in inspector.get_columns(table.name)}
    missing = [column.name for column in table.columns if column.name not in there]
    if missing:
        names = ", ".join(missing)
        return Finding(
            ok=False, message=f"table {table.name}: no column {names}", remedy=MAKE_TABLES
        )
    return Finding(ok=True, message=f"table {table.name}: there, with its columns")


def _types(inspector: Inspector, tables: Tables, table: Table) -> Iterator[Finding]:
    """Look at the types of the table's columns."""
    found = {column["name"]: column for column in inspector.get_columns(table.name)}
    keys = [tables.learners.c.id, tables.progress.c.id, tables.progress.c.learner]
    for column in table.columns:
        there = found[column.name]
        if any(column is key for key in keys):
            yield from _key_type(column, there)
        elif column is tables.progress.c.completed_at:
            yield from _instant_type(inspector, column, there)
        elif isinstance(there["type"], String):
            yield from _length(column, there["type"])
        elif isinstance(column.type, String):
            yield Finding(
                ok=False,
                message=f"column {table.name}.{column.name}: {there['type']} is no text",
                remedy=f"ALTER TABLE {table.name} ALTER {column.name} TYPE varchar({MAX_TEXT})",
            )


def _key_type(column: Column[Any], there: ReflectedColumn) -> Iterator[Finding]:
    if not isinstance(there["type"], Integer):
        yield Finding(
            ok=False,
            message=f"column {column.table.name}.{column.name}: {there['type']} is no whole number",
            remedy="give the table keys of type integer or bigint that number themselves",
        )


def _instant_type(
    inspector: Inspector, column: Column[Any], there: ReflectedColumn
) -> Iterator[Finding]:
    """Look at a column of instants. SQLite has no type of its own for them."""
    type_ = there["type"]
    shown = type_.compile(inspector.dialect)
    if inspector.dialect.name == "postgresql" and (not is_exact(type_) or there.get("computed")):
        what = "it fills the column itself" if there.get("computed") else f"it is a {shown}"
        error = inexact_instant(f"{column.table.name}.{column.name}", what)
        yield Finding(ok=False, message=error.what, remedy=error.remedy)


def _length(column: Column[Any], type_: String) -> Iterator[Finding]:
    if type_.length and type_.length < MAX_TEXT and column.key != "origin":
        name, table = column.name, column.table.name
        yield Finding(
            ok=False,
            message=f"column {table}.{name}: no more than {type_.length} characters, what is "
            "longer is refused",
            remedy=f"ALTER TABLE {table} ALTER {name} TYPE varchar({MAX_TEXT})",
            fatal=False,
        )


def _unique(inspector: Inspector, table: Table, keys: tuple[str, ...]) -> Finding:
    """Look for the unique constraint on these columns.

    On progress the bridge does without, as long as every writer is a bridge on SQL.
    """
    columns = [table.c[key].name for key in keys]
    uniques = [set(c["column_names"]) for c in inspector.get_unique_constraints(table.name)]
    uniques += [
        set(filter(None, index["column_names"]))
        for index in inspector.get_indexes(table.name)
        if index["unique"]
    ]
    shown = f"UNIQUE({', '.join(columns)}) on {table.name}"
    if table.name in inspector.get_view_names():
        return Finding(
            ok=False,
            message=f"{shown}: not seen, since it is a view",
            remedy="look at the table that the view shows",
            fatal=False,
        )
    if set(columns) in uniques:
        return Finding(ok=True, message=f"{shown}: there")
    fatal = "origin" in keys
    return Finding(
        ok=False,
        message=f"{shown}: missing",
        remedy=MAKE_TABLES if fatal else "run sql/progress-unique.sql",
        fatal=fatal,
    )
