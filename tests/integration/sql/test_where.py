"""What the scripts say of where they run, and where they do not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.integration.sql.base import OWNER, SQL, Base, MakeBase
from tests.servers.postgres import Postgres, program

SCRIPTS = sorted(path.name for path in SQL.glob("*.sql"))
NEW = "schema-multi-origin.sql"
ON_OLD_BASES = ["progress-unique.sql", "schema-migration-multi-origin.sql"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_base_host_schema_and_role_are_said_twice(make_base: MakeBase, script: str) -> None:
    base = make_base()
    if script in ON_OLD_BASES:
        base.script("schema.sql")
    for again in (False, script != "schema.sql") if script != "schema.sql" else (False,):
        done = base.script(script)
        assert done.returncode == 0, done.stderr
        place = (
            f"base « {base.name} », hôte 127.0.0.1:{base.server.port}, schéma public, rôle {OWNER}"
        )
        lines = done.stdout.splitlines()
        assert lines[0] == f"Avant : {place}", again
        assert lines[-1] == f"Après : {place}", again


@pytest.fixture
def as_if_unset(postgres: Postgres) -> Iterator[dict[str, str]]:
    """Give the environment in which psql without an address lands in the base postgres."""
    yield {
        **os.environ,
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgres.port),
        "PGUSER": "postgres",
    }
    postgres.psql("postgres", "DROP TABLE IF EXISTS progress, apprenants")


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_unset_address_makes_no_tables(
    postgres: Postgres, as_if_unset: dict[str, str], script: str
) -> None:
    command = [program("psql"), "-X", "", "-f", SQL / script]
    done = subprocess.run(command, env=as_if_unset, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "base « postgres »" in done.stdout
    assert "celle du serveur" in done.stderr
    assert "base_systeme" in done.stderr
    assert postgres.psql("postgres", "SELECT to_regclass('apprenants')").stdout.strip() == ""


def test_the_servers_base_is_used_when_told(
    postgres: Postgres, as_if_unset: dict[str, str]
) -> None:
    command = [program("psql"), "-X", "-v", "base_systeme=oui", "-f", SQL / NEW]
    done = subprocess.run(command, env=as_if_unset, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert postgres.psql("postgres", "SELECT to_regclass('apprenants')").stdout.strip()


KINDS = {
    "vue": "CREATE VIEW {table} AS SELECT * FROM t",
    "vue matérialisée": "CREATE MATERIALIZED VIEW {table} AS SELECT * FROM t",
    "table partitionnée, par RANGE (completed_at)": """
        CREATE TABLE {table} (id integer, completed_at timestamptz)
        PARTITION BY RANGE (completed_at)""",
    "table partitionnée, par HASH (id)": """
        CREATE TABLE {table} (id integer) PARTITION BY HASH (id)""",
    "tables filles": "CREATE TABLE {table} (id integer); CREATE TABLE f () INHERITS ({table})",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("script", "table"),
    [
        ("progress-unique.sql", "progress"),
        ("progress-unique.sql", "apprenants"),
        ("schema-migration-multi-origin.sql", "apprenants"),
    ],
)
def test_what_is_no_plain_table_is_named(
    make_base: MakeBase, kind: str, script: str, table: str
) -> None:
    other = "progress" if table == "apprenants" else "apprenants"
    base = make_base("CREATE TABLE t (id integer)", f"CREATE TABLE {other} (id integer)")
    base.do(*KINDS[kind].format(table=table).split("; "))
    before = base.dump()
    done = base.script(script)
    assert done.returncode == 3
    assert f"public.{table} " in done.stderr
    assert kind in done.stderr
    assert "rien n'a été changé" in done.stderr
    assert base.dump() == before


@pytest.mark.parametrize("script", ON_OLD_BASES)
def test_tables_in_another_schema_are_found_and_named(old_base: Base, script: str) -> None:
    old_base.do(
        'CREATE SCHEMA "Ailleurs"',
        'ALTER TABLE apprenants SET SCHEMA "Ailleurs"',
        'ALTER TABLE progress SET SCHEMA "Ailleurs"',
    )
    before = old_base.dump()
    done = old_base.script(script)
    assert done.returncode == 3
    assert 'Il y en a une dans : "Ailleurs"' in done.stderr
    assert old_base.dump() == before
    done = old_base.script(script, PGOPTIONS='-c search_path="Ailleurs"')
    assert done.returncode == 0, done.stderr
    assert "schéma Ailleurs" in done.stdout.splitlines()[-1]
