"""What `SQLStore.check` asks PostgreSQL alone: rights, sequences, row security, read-only bases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, Table, text

from bridge.checks import Finding
from bridge.stores.sql.constraints import set_sequence


def check_server(connection: Connection) -> Iterator[Finding]:
    """Look whether the server lets anybody write."""
    standby, read_only = connection.execute(_READ_ONLY).one()
    if standby:
        yield Finding(
            ok=False,
            message="the server is a standby: it is only read",
            remedy="name the primary in store.url, or add target_session_attrs=read-write",
        )
    elif read_only == "on":
        yield Finding(
            ok=False,
            message="the database is read-only for this user (default_transaction_read_only)",
            remedy="ALTER DATABASE … or ALTER ROLE … RESET default_transaction_read_only",
        )


_READ_ONLY: Final = text("SELECT pg_is_in_recovery(), current_setting('transaction_read_only')")


def elsewhere(connection: Connection, table: Table) -> Finding | None:
    """Return where a table is that the search path does not lead to, or None."""
    path, schemas = connection.execute(_SCHEMAS, {"name": table.name}).one()
    if not schemas:
        return None
    return Finding(
        ok=False,
        message=f"table {table.name}: in schema {', '.join(schemas)}, and the search_path is "
        f"{path or 'empty'}",
        remedy=f"add ?options=-csearch_path%3D{schemas[0]} to store.url, or "
        f"ALTER ROLE … SET search_path TO {schemas[0]}",
    )


_SCHEMAS: Final = text(
    """
    SELECT current_setting('search_path'), (
        SELECT array_agg(CAST(nspname AS text) ORDER BY nspname)
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relname = :name AND relkind IN ('r', 'p', 'v', 'm', 'f'))"""
)


def check_table(connection: Connection, table: Table, *, numbered: bool) -> Iterator[Finding]:
    """Look at the rights to a table, at the sequences of its keys and at its row security.

    Args:
        connection: to the database.
        table: one that is there.
        numbered: whether its keys are numbers.
    """
    rights = _rights(connection, table)
    yield rights
    yield from _forbidden_sequences(connection, table)
    if rights.ok and numbered:
        yield from _sequence_behind(connection, table)
    yield from _row_security(connection, table)


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


def _forbidden_sequences(connection: Connection, table: Table) -> Iterator[Finding]:
    """Look for sequences that number the table's rows and that we may not use.

    An insert would fail. They are those that the defaults of its columns read, whoever owns them.
    Identity columns need no right.
    """
    for (name,) in connection.execute(_FORBIDDEN_SEQUENCES, {"table": f'"{table.name}"'}):
        yield Finding(
            ok=False,
            message=f"table {table.name}: no right to its sequence {name}",
            remedy=f"GRANT USAGE ON SEQUENCE {name} TO the user of store.url",
        )


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


def _sequence_behind(connection: Connection, table: Table) -> Iterator[Finding]:
    """Look whether the next key is one that is there already, as after rows were imported."""
    key = table.c.id.name
    asked = {"table": f'"{table.name}"', "key": key}
    following = connection.scalar(_NEXT_KEY, asked)
    if following is None:
        return
    words = (
        f'SELECT max("{key}"), min("{key}") FILTER (WHERE "{key}" >= :next) '  # noqa: S608
        f'FROM "{table.name}"'
    )
    largest, taken = connection.execute(text(words), {"next": following}).one()
    if taken is not None:
        yield Finding(
            ok=False,
            message=f"table {table.name}: its sequence is behind: the next key is {following}, "
            f"and there are keys up to {largest}",
            remedy=set_sequence(table),
            fatal=taken - following < _SOON,
        )


_SOON: Final = 1_000
"""Keys after which it is no warning any more that there is one that is taken."""

_NEXT_KEY: Final = text(
    """
    SELECT coalesce(pg_sequence_last_value(seqrelid) + seqincrement, seqstart)
    FROM pg_sequence
    WHERE seqincrement > 0
        AND seqrelid = CAST(pg_get_serial_sequence(:table, :key) AS regclass)
        AND has_sequence_privilege(seqrelid, 'USAGE, SELECT')"""
)


def _row_security(connection: Connection, table: Table) -> Iterator[Finding]:
    active, policies = connection.execute(_ROW_SECURITY, {"table": f'"{table.name}"'}).one()
    if active:
        yield Finding(
            ok=False,
            message=f"table {table.name}: row-level security holds for this user "
            f"({policies or 'no policy'}): what a policy hides is not seen",
            remedy="make a policy that lets the user of store.url read and write every row, "
            "or ALTER ROLE … BYPASSRLS",
            fatal=False,
        )


_ROW_SECURITY: Final = text(
    """
    SELECT row_security_active(CAST(:table AS regclass)), (
        SELECT string_agg(polname, ', ' ORDER BY polname) FROM pg_policy
        WHERE polrelid = CAST(:table AS regclass))"""
)
