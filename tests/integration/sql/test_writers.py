"""After the migration: old and new writers, each in their own words, on the same learners."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.integration.sql.base import Base, MakeBase, old_tables

Cursor = psycopg.Cursor[tuple[Any, ...]]


@pytest.fixture(scope="module")
def base(make_base: MakeBase) -> Base:
    """Open a migrated base, moodle_user_id an integer, and roll back what the test did."""
    made = make_base()
    made.script("schema.sql")
    made.do("INSERT INTO apprenants (moodle_user_id) VALUES (11), (12)")
    assert made.migrate().returncode == 0
    return made


@pytest.fixture
def sql(base: Base) -> Iterator[Cursor]:
    connection = base.connect()
    yield connection.cursor()
    connection.rollback()
    connection.close()


ALL = "SELECT origin, external_user_id, moodle_user_id FROM apprenants WHERE id > 2 ORDER BY id"


def test_an_old_writers_learner_has_an_identity(sql: Cursor) -> None:
    sql.execute("INSERT INTO apprenants (moodle_user_id, email) VALUES (77, 'a@b.fr')")
    found = sql.execute(
        "SELECT email FROM apprenants WHERE (origin, external_user_id) = ('moodle', '77')"
    )
    assert found.fetchall() == [("a@b.fr",)]


def test_an_old_reader_finds_a_new_moodle_learner(sql: Cursor) -> None:
    sql.execute("INSERT INTO apprenants (origin, external_user_id) VALUES ('moodle', '78')")
    found = sql.execute("SELECT external_user_id FROM apprenants WHERE moodle_user_id = 78")
    assert found.fetchall() == [("78",)]


def test_other_origins_have_no_moodle_user_id(sql: Cursor) -> None:
    sql.execute("INSERT INTO apprenants (origin, external_user_id) VALUES ('funmooc', '11')")
    sql.execute("INSERT INTO apprenants (origin, external_user_id) VALUES ('direct', '11')")
    assert sql.execute(ALL).fetchall() == [("funmooc", "11", None), ("direct", "11", None)]


def test_writers_see_each_others_learners(sql: Cursor) -> None:
    sql.execute(
        """INSERT INTO apprenants (origin, external_user_id) VALUES ('moodle', '11')
           ON CONFLICT (origin, external_user_id) DO UPDATE SET email = 'new'"""
    )
    sql.execute("INSERT INTO apprenants (origin, external_user_id) VALUES ('moodle', '79')")
    sql.execute(
        """INSERT INTO apprenants (moodle_user_id) VALUES (12), (79)
           ON CONFLICT (moodle_user_id) DO UPDATE SET email = 'old'"""
    )
    found = sql.execute("SELECT external_user_id, email FROM apprenants ORDER BY id").fetchall()
    assert found == [("11", "new"), ("12", "old"), ("79", "old")]


def test_an_integer_column_survives_a_large_moodle_id(sql: Cursor) -> None:
    sql.execute("INSERT INTO apprenants (origin, external_user_id) VALUES ('moodle', '2147483648')")
    assert sql.execute(ALL).fetchall() == [("moodle", "2147483648", None)]


@pytest.mark.parametrize(
    ("change", "after"),
    [
        ("moodle_user_id = 81", ("moodle", "81", 81)),
        ("external_user_id = '82'", ("moodle", "82", 82)),
        ("external_user_id = '83', moodle_user_id = 83", ("moodle", "83", 83)),
        ("external_user_id = '3000000000'", ("moodle", "3000000000", None)),
        ("origin = 'funmooc'", ("funmooc", "80", None)),
        ("origin = 'direct', external_user_id = 'x'", ("direct", "x", None)),
        ("moodle_user_id = NULL, origin = 'direct'", ("direct", "80", None)),
        ("email = 'a@b.fr'", ("moodle", "80", 80)),
    ],
)
def test_an_update_of_either_side_reaches_the_other(
    sql: Cursor, change: str, after: tuple[object, ...]
) -> None:
    sql.execute("INSERT INTO apprenants (moodle_user_id) VALUES (80)")
    sql.execute(f"UPDATE apprenants SET {change} WHERE moodle_user_id = 80".encode())
    assert sql.execute(ALL).fetchall() == [after]


def test_a_learner_of_another_origin_becomes_moodles(sql: Cursor) -> None:
    sql.execute("INSERT INTO apprenants (origin, external_user_id) VALUES ('funmooc', '84')")
    sql.execute("UPDATE apprenants SET origin = 'moodle' WHERE origin = 'funmooc'")
    assert sql.execute(ALL).fetchall() == [("moodle", "84", 84)]


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("INSERT INTO apprenants (moodle_user_id) VALUES (11)", errors.UniqueViolation),
        (
            "INSERT INTO apprenants (origin, external_user_id) VALUES ('moodle', '11')",
            errors.UniqueViolation,
        ),
        ("INSERT INTO apprenants (email) VALUES ('a@b.fr')", errors.NotNullViolation),
        ("INSERT INTO apprenants (origin) VALUES ('funmooc')", errors.NotNullViolation),
        ("INSERT INTO apprenants (external_user_id) VALUES ('x')", errors.NotNullViolation),
        ("UPDATE apprenants SET moodle_user_id = NULL WHERE id = 1", errors.NotNullViolation),
        ("UPDATE apprenants SET origin = NULL WHERE id = 1", errors.NotNullViolation),
        ("INSERT INTO apprenants (moodle_user_id) VALUES (0)", errors.CheckViolation),
        ("INSERT INTO apprenants (moodle_user_id) VALUES (-1)", errors.CheckViolation),
        (
            "INSERT INTO apprenants (moodle_user_id, origin) VALUES (5, 'funmooc')",
            errors.CheckViolation,
        ),
        (
            """INSERT INTO apprenants (moodle_user_id, origin, external_user_id)
               VALUES (5, 'moodle', '6')""",
            errors.CheckViolation,
        ),
    ],
)
def test_what_names_no_learner_or_two_is_refused(
    sql: Cursor, statement: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        sql.execute(statement.encode())


@pytest.mark.parametrize("model", ["migrated_base", "fresh_base"])
@pytest.mark.parametrize("origin", ["edx", "Moodle", ""])
def test_the_database_refuses_an_unknown_origin(
    request: pytest.FixtureRequest, model: str, origin: str
) -> None:
    base: Base = request.getfixturevalue(model)
    with pytest.raises(errors.CheckViolation):
        base.do(f"INSERT INTO apprenants (origin, external_user_id) VALUES ('{origin}', 'x')")


def test_the_identity_stays_whole_without_the_trigger(base: Base) -> None:
    with base.connect() as connection:
        connection.execute("ALTER TABLE apprenants DISABLE TRIGGER USER")
        with pytest.raises(errors.CheckViolation):
            connection.execute("INSERT INTO apprenants (moodle_user_id) VALUES (90)")
        connection.rollback()


def test_a_text_column_takes_large_ids_refuses_others(
    make_base: MakeBase,
) -> None:
    base = make_base(old_tables("text"))
    assert base.migrate().returncode == 0
    base.do("INSERT INTO apprenants (origin, external_user_id) VALUES ('moodle', '2147483648')")
    assert base.rows("SELECT id FROM apprenants WHERE moodle_user_id = '2147483648'") == [(1,)]
    for value in ("007", "abc", "", "9223372036854775808"):
        with pytest.raises(errors.CheckViolation):
            base.do(f"INSERT INTO apprenants (moodle_user_id) VALUES ('{value}')")


def test_an_inserting_role_needs_no_right_on_triggers(base: Base) -> None:
    base.server.psql("postgres", "CREATE ROLE pont LOGIN")
    base.do(
        "GRANT SELECT, INSERT ON apprenants TO pont",
        "GRANT USAGE ON SEQUENCE apprenants_id_seq TO pont",
    )
    with base.connect() as connection:
        connection.execute("REVOKE EXECUTE ON FUNCTION apprenants_identite() FROM PUBLIC")
        connection.commit()
    with psycopg.connect(base.url.replace("proprietaire@", "pont@")) as bridge:
        row = bridge.execute(
            "INSERT INTO apprenants (moodle_user_id) VALUES (95) RETURNING external_user_id"
        )
        assert row.fetchone() == ("95",)
        bridge.rollback()


def test_the_bridges_look_ups_use_an_index(migrated_base: Base) -> None:
    assert migrated_base.script("progress-unique.sql").returncode == 0
    for query, index in [
        (
            "SELECT id FROM apprenants WHERE origin = 'moodle' AND external_user_id = '11'",
            "apprenants_origin_external_user_id_key",
        ),
        (
            "SELECT id FROM progress WHERE apprenant_id = 1 AND grain_id = 'g'",
            "progress_apprenant_id_grain_id_key",
        ),
        ("SELECT id FROM progress WHERE apprenant_id = 1", "progress_apprenant_id_grain_id_key"),
    ]:
        # In a table of three rows a scan is cheaper: the question is whether the index can serve.
        done = migrated_base.psql("-c", "SET enable_seqscan = off", "-c", f"EXPLAIN {query}")
        assert index in done.stdout
