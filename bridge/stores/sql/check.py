"""What `SQLStore.check` looks at: tables, columns, rights, sequences and unique constraints."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Inspector, Table, inspect, text

from bridge.checks import Finding
from bridge.config import StoreSettings
from bridge.stores.sql.tables import Tables

_MAKE_TABLES: Final = (
    "run sql/schema-multi-origin.sql (or, on an old base, schema-migration-multi-origin.sql)"
)


def check_tables(connection: Connection, tables: Tables, settings: StoreSettings) -> list[Finding]:
    """Look at each thing that recording needs.

    Returns:
        A finding for each, in the order in which to mend them.
    """
    inspector = inspect(connection)
    findings = [Finding(ok=True, message=f"{settings.shown_url}: reached")]
    for table in (tables.learners, tables.progress):
        shape = _shape(inspector, table)
        findings.append(shape)
        if shape.ok and connection.dialect.name == "postgresql":
            findings.append(_rights(connection, table))
            findings += _sequences(connection, table)
    if all(finding.ok for finding in findings):
        findings.append(_unique(inspector, tables.learners, ("origin", "external_user_id")))
        findings.append(_unique(inspector, tables.progress, ("learner", "grain_id")))
    return findings


def _shape(inspector: Inspector, table: Table) -> Finding:
    if not inspector.has_table(table.name):
        return Finding(ok=False, message=f"table {table.name}: missing", remedy=_MAKE_TABLES)
    there = {column["name"] for column in inspector.get_columns(table.name)}
    missing = [column.name for column in table.columns if column.name not in there]
    if missing:
        names = ", ".join(missing)
        return Finding(
            ok=False, message=f"table {table.name}: no column {names}", remedy=_MAKE_TABLES
        )
    return Finding(ok=True, message=f"table {table.name}: there, with its columns")


def _rights(connection: Connection, table: Table) -> Finding:
    wanted = ("SELECT", "INSERT", "UPDATE", "DELETE")
    ask = text("SELECT has_table_privilege(:table, :right)")
    missing = [
        right
        for right in wanted
        if not connection.scalar(ask, {"table": f'"{table.name}"', "right": right})
    ]
    if missing:
        rights = ", ".join(missing)
        return Finding(
            ok=False,
            message=f"table {table.name}: no right to {rights}",
            remedy=f'GRANT {rights} ON "{table.name}" TO the user of store.url',
        )
    return Finding(ok=True, message=f"table {table.name}: the rights are there")


def _sequences(connection: Connection, table: Table) -> list[Finding]:
    """Look for sequences that number the table's rows and that we may not use.

    An insert would fail. They are those that the defaults of its columns read, whoever owns them.
    Identity columns need no right.
    """
    rows = connection.execute(_FORBIDDEN_SEQUENCES, {"table": f'"{table.name}"'})
    return [
        Finding(
            ok=False,
            message=f"table {table.name}: no right to its sequence {name}",
            remedy=f"GRANT USAGE ON SEQUENCE {name} TO the user of store.url",
        )
        for (name,) in rows
    ]


_FORBIDDEN_SEQUENCES: Final = text(
    """
    SELECT DISTINCT CAST(CAST(sequence.oid AS regclass) AS text)
    FROM pg_attrdef AS value
    JOIN pg_depend AS needs ON needs.classid = CAST('pg_attrdef' AS regclass)
        AND needs.objid = value.oid AND needs.refclassid = CAST('pg_class' AS regclass)
    JOIN pg_class AS sequence ON sequence.oid = needs.refobjid
    WHERE value.adrelid = CAST(:table AS regclass)
        AND CASE sequence.relkind  -- asked of a table, it is an error
            WHEN 'S' THEN NOT has_sequence_privilege(sequence.oid, 'USAGE, UPDATE')
        END
    ORDER BY 1"""
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
    if set(columns) in uniques:
        return Finding(ok=True, message=f"{shown}: there")
    fatal = "origin" in keys
    return Finding(
        ok=False,
        message=f"{shown}: missing",
        remedy=_MAKE_TABLES if fatal else "run sql/progress-unique.sql",
        fatal=fatal,
    )
