"""Databases of an ordinary role, and the scripts of sql/ run in them as a data owner would."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from tests.servers.postgres import Postgres, program

SQL: Final = Path(__file__).parents[3] / "sql"
OWNER: Final = "proprietaire"
"""Owns the databases and nothing else: no superuser, as on a hosted PostgreSQL."""

COLUMNS: Final = """
    SELECT table_name, column_name, udt_name, character_maximum_length, is_nullable, column_default
      FROM information_schema.columns
     WHERE table_name IN ('apprenants', 'progress') ORDER BY 1, 2"""
CONSTRAINTS: Final = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated
      FROM pg_constraint
     WHERE conrelid::regclass::text IN ('apprenants', 'progress') ORDER BY 1, 2"""
INDEXES: Final = """
    SELECT tablename, indexname, indexdef FROM pg_indexes
     WHERE tablename IN ('apprenants', 'progress') ORDER BY 1, 2"""

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Base:
    """One database. Everything but the dump is done as its owner."""

    server: Postgres
    name: str

    @property
    def url(self) -> str:
        return self.server.url(self.name).replace("postgres@", f"{OWNER}@")

    def script(self, name: str, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run ``psql -f sql/<name>``, with no flag that makes psql careful unless it is given."""
        return self.psql("-f", str(SQL / name), *options, **environ)

    def migrate(self, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return self.script("schema-migration-multi-origin.sql", *options, **environ)

    @property
    def sql(self) -> Path:
        return SQL

    def psql(
        self, *options: str, stdin: str = "", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        command = [str(program("psql")), "-X", "-d", self.url, *options]
        env = {**os.environ, **environ}
        return subprocess.run(
            command, input=stdin, env=env, capture_output=True, text=True, check=False
        )

    def connect(self) -> psycopg.Connection[Row]:
        return psycopg.connect(self.url)

    def do(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def rows(self, query: str) -> list[Row]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def structure(self) -> list[list[Row]]:
        return [self.rows(query) for query in (COLUMNS, CONSTRAINTS, INDEXES)]

    def wait_for_lock(self, table: str, mode: str) -> None:
        """Return once somebody waits for such a lock on the table, two minutes at most."""
        waiting = f"""SELECT count(*) FROM pg_locks
            WHERE relation = '{table}'::regclass AND mode = '{mode}' AND NOT granted"""
        deadline = time.monotonic() + 120
        while self.rows(waiting) == [(0,)]:
            assert time.monotonic() < deadline, f"nobody waits for {mode} on {table}"

    def dump(self) -> str:
        return self.server.dump(self.name)


MakeBase = Callable[..., Base]


def old_tables(moodle_user_id: str = "integer NOT NULL UNIQUE") -> str:
    """Return statements for an old base of somebody else's, looser than sql/schema.sql."""
    return f"""
        CREATE TABLE apprenants (
            id serial PRIMARY KEY, moodle_user_id {moodle_user_id}, email varchar(255),
            date_creation timestamptz);
        CREATE TABLE progress (
            id serial PRIMARY KEY, apprenant_id integer REFERENCES apprenants (id),
            grain_id varchar(255), module_id varchar(255), sequence_id varchar(255),
            completed_at timestamptz)"""
