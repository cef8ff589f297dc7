"""What schema-migration-multi-origin.sql refuses: it names the rows, and changes nothing at all."""

from __future__ import annotations

import threading

import pytest

from tests.integration.sql.base import Base, MakeBase, old_tables

BY_HAND = "ALTER TABLE apprenants ADD origin text, ADD external_user_id text"


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("integer", "NULL", "moodle_user_id NULL"),
        ("integer", "0", "moodle_user_id '0'"),
        ("integer", "-5", "moodle_user_id '-5'"),
        ("text", "''", "moodle_user_id ''"),
        ("text", "'  '", "moodle_user_id '  '"),
        ("text", "'007'", "moodle_user_id '007'"),
        ("text", "'abc'", "moodle_user_id 'abc'"),
        ("text", "'+7'", "moodle_user_id '+7'"),
        ("text", "'1 2'", "moodle_user_id '1 2'"),
        ("text", "'12.0'", "moodle_user_id '12.0'"),
        ("text", "'١٢'", "moodle_user_id '١٢'"),
        ("text", "'9223372036854775808'", "moodle_user_id '9223372036854775808'"),
        ("text", "'10000000000000000000'", "moodle_user_id '10000000000000000000'"),
    ],
)
def test_a_wrong_moodle_id_is_named(
    make_base: MakeBase, column: str, value: str, shown: str
) -> None:
    base = make_base(old_tables(column), f"INSERT INTO apprenants VALUES (1, '12'), (42, {value})")
    before = base.dump()
    done = base.migrate()
    assert done.returncode == 3
    assert "lignes de apprenants à corriger d'abord : 1 ;" in done.stderr
    assert f"id 42, {shown} : " in done.stderr
    assert "id 1," not in done.stderr
    assert base.dump() == before


@pytest.mark.parametrize("stop", [[], ["-v", "ON_ERROR_STOP=1"], ["-1"]], ids=str)
def test_two_rows_of_one_learner_are_named(make_base: MakeBase, stop: list[str]) -> None:
    base = make_base(
        old_tables("varchar(20)"),
        "INSERT INTO apprenants VALUES (1, '12'), (2, '13'), (3, ' 12'), (4, '13'), (5, '14')",
    )
    before = base.dump()
    done = base.migrate(*stop)
    assert done.returncode == 3
    assert "d'abord : 4 ;" in done.stderr
    lines = [line.strip() for line in done.stderr.splitlines() if "en double" in line]
    assert lines == [
        "DETAIL:  id 1, moodle_user_id '12' : en double",
        "id 3, moodle_user_id ' 12' : en double",
        "id 2, moodle_user_id '13' : en double",
        "id 4, moodle_user_id '13' : en double",
    ]
    assert base.dump() == before


def test_twenty_rows_are_named_and_all_counted(make_base: MakeBase) -> None:
    base = make_base(
        old_tables("integer"), "INSERT INTO apprenants SELECT n, NULL FROM generate_series(1, 33) n"
    )
    before = base.dump()
    stderr = base.migrate().stderr
    assert "d'abord : 33 ;" in stderr
    assert stderr.count("aucun identifiant") == 20
    assert "id 20, " in stderr
    assert "id 21, " not in stderr
    assert "(et 13 autres)" in stderr
    assert base.dump() == before


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("(42, 12, NULL, NULL, 'moodle', '13')", "contredit"),
        ("(42, 12, NULL, NULL, 'funmooc', '12')", "contredit"),
        ("(42, NULL, NULL, NULL, 'edx', 'abc')", "origine inconnue"),
        ("(42, NULL, NULL, NULL, 'funmooc', NULL)", "aucun identifiant"),
        ("(42, NULL, NULL, NULL, 'funmooc', '')", "aucun identifiant"),
        ("(42, NULL, NULL, NULL, NULL, 'abc')", "aucun identifiant"),
        ("(42, NULL, NULL, NULL, 'moodle', '007')", "pas un identifiant Moodle"),
        ("(42, NULL, NULL, NULL, 'moodle', '77'), (43, 77)", "en double"),
    ],
)
def test_rows_that_contradict_themselves_are_named(make_base: MakeBase, row: str, why: str) -> None:
    if row.endswith("77)"):
        row = row.replace("(43, 77)", "(43, 77, NULL, NULL, NULL, NULL)")
    base = make_base(old_tables("integer"), BY_HAND, f"INSERT INTO apprenants VALUES {row}")
    before = base.dump()
    stderr = base.migrate().stderr
    assert "id 42, moodle_user_id " in stderr
    assert why in stderr
    assert base.dump() == before


def test_personal_data_beside_the_id_is_not_shown(make_base: MakeBase) -> None:
    base = make_base(old_tables("integer"), "INSERT INTO apprenants VALUES (1, NULL, 'a@b.fr')")
    assert "a@b.fr" not in base.migrate().stderr


def test_a_busy_table_is_left_alone_in_time(old_base: Base) -> None:
    before = old_base.dump()
    with old_base.connect() as reader:
        pid = reader.info.backend_pid
        reader.execute("SELECT count(*) FROM apprenants")
        done = old_base.migrate(PGOPTIONS="-c lock_timeout=200ms")
    assert done.returncode == 3
    assert "apprenants est restée occupée plus de 200ms" in done.stderr
    assert f": {pid}\n" in done.stderr
    assert "heure calme" in done.stderr
    assert old_base.dump() == before


def test_without_a_setting_it_waits_for_five_seconds(old_base: Base) -> None:
    text = "SHOW lock_timeout;\nDROP TRIGGER IF EXISTS"
    assert shown_at(old_base, "DROP TRIGGER IF EXISTS", text) == ["5s"]


def test_bad_rows_are_named_without_waiting_for_writers(
    make_base: MakeBase,
) -> None:
    base = make_base(old_tables("integer"), "INSERT INTO apprenants VALUES (0, NULL)")
    with base.connect() as writer:
        writer.execute("INSERT INTO apprenants (moodle_user_id) VALUES (2)")
        done = base.migrate(PGOPTIONS="-c lock_timeout=100ms")
    assert "aucun identifiant" in done.stderr


def test_a_bad_row_that_comes_meanwhile_is_named(old_base: Base) -> None:
    old_base.do("ALTER TABLE apprenants ALTER moodle_user_id DROP NOT NULL")
    with old_base.connect() as writer:
        writer.execute("INSERT INTO apprenants (id, moodle_user_id) VALUES (42, NULL)")
        errors: list[str] = []
        migration = threading.Thread(target=lambda: errors.append(old_base.migrate().stderr))
        migration.start()
        old_base.wait_for_lock("apprenants", "AccessExclusiveLock")
        writer.commit()
        migration.join()
    assert "id 42, moodle_user_id NULL" in errors[0]


def test_only_apprenants_is_locked_against_readers(old_base: Base) -> None:
    locks = """SELECT relation::regclass || ' ' || mode FROM pg_locks
        WHERE pid = pg_backend_pid() AND relation IN ('apprenants'::regclass, 'progress'::regclass)
          AND mode LIKE '%Exclusive%' ORDER BY 1;"""
    held = shown_at(old_base, "\nCOMMIT;\n\n\\echo 'Migration", f"{locks}\n\\q\n")
    assert "apprenants AccessExclusiveLock" in held
    assert not [lock for lock in held if lock.startswith("progress")]


def test_a_base_without_the_table_is_refused(make_base: MakeBase) -> None:
    base = make_base("CREATE TABLE autre (id integer)")
    before = base.dump()
    done = base.migrate()
    assert done.returncode == 3
    assert "schema-multi-origin.sql" in done.stderr
    assert base.dump() == before


def shown_at(base: Base, place: str, statement: str) -> list[str]:
    """Return what a statement prints that is put in the script's place (found once)."""
    script = (base.sql / "schema-migration-multi-origin.sql").read_text(encoding="utf-8")
    assert script.count(place) == 1
    done = base.psql("-A", "-t", "-f", "-", stdin=script.replace(place, statement))
    assert done.returncode == 0, done.stderr
    return [
        line
        for line in done.stdout.splitlines()
        if not line.startswith(("Avant", "Migr", "Ensuite", "Après"))
    ]
