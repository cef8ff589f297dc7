"""Which constraint, right or policy refuses a row, and what is to be done about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bridge import Identity, Status, StoreMisconfigured, StoreUnavailable
from bridge.checks import Finding
from bridge.stores.sql import SQLStore
from tests.contract.learners import done, somebody
from tests.integration.sql.base import Base
from tests.integration.sql.stores import opened, statuses, to_mend
from tests.servers.postgres import Standby

IMPORTED = {
    "apprenants": """INSERT INTO apprenants (id, origin, external_user_id)
        SELECT n, 'funmooc', 'old' || n FROM generate_series(1, 9) n""",
    "progress": """INSERT INTO progress (id, apprenant_id, grain_id, completed_at)
        SELECT n, min(apprenants.id), 'old' || n, now()
        FROM generate_series(1, 9) n, apprenants GROUP BY n""",
}


def mend(base: Base, finding: Finding) -> None:
    base.do(finding.remedy)


@pytest.mark.parametrize("table", ["apprenants", "progress"])
def test_imported_ids_are_told_with_their_remedy(fresh_base: Base, table: str) -> None:
    with opened(fresh_base) as store:
        store.learner(somebody())
        fresh_base.do(f"ALTER SEQUENCE {table}_id_seq RESTART WITH 1")
        fresh_base.do(f"DELETE FROM {table} WHERE '{table}' = 'apprenants'")
        fresh_base.do(IMPORTED[table])
        with pytest.raises(StoreMisconfigured, match=f"table {table} is taken.*setval"):
            store.record([done(somebody())])
        (finding,) = to_mend(store)
        assert finding.message.startswith(f"table {table}: its sequence is behind")
        mend(fresh_base, finding)
        assert to_mend(store) == []
        assert statuses(store, done(somebody())) == [Status.CREATED]


def test_a_far_key_is_only_a_warning(fresh_base: Base) -> None:
    fresh_base.do(IMPORTED["apprenants"].replace("SELECT n,", "SELECT 90000 + n,"))
    with opened(fresh_base) as store:
        assert to_mend(store) == []
        assert any("is behind" in finding.message for finding in store.check())


def test_a_used_up_sequence_is_misconfigured(fresh_base: Base) -> None:
    fresh_base.do(
        "ALTER SEQUENCE progress_id_seq MAXVALUE 2", "SELECT setval('progress_id_seq', 2)"
    )
    with opened(fresh_base) as store, pytest.raises(StoreMisconfigured, match="no more numbers"):
        store.record([done(somebody())])


@pytest.fixture
def reader(fresh_base: Base) -> Iterator[Base]:
    """Give a role of its own the rights to the tables, and row security over them."""
    fresh_base.server.psql(
        fresh_base.name,
        "CREATE ROLE passerelle LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO passerelle;"
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO passerelle;",
    )
    yield fresh_base
    fresh_base.server.psql(fresh_base.name, "DROP OWNED BY passerelle; DROP ROLE passerelle")


def as_reader(base: Base) -> str:
    return base.url.replace("proprietaire@", "passerelle@")


@pytest.mark.parametrize("table", ["apprenants", "progress"])
@pytest.mark.parametrize(
    "policy",
    [
        "",  # nothing is let through
        "CREATE POLICY part ON {table} USING (false) WITH CHECK (true)",
        "CREATE POLICY part ON {table} USING (true) WITH CHECK (false)",
    ],
)
def test_row_security_is_told_from_rights(reader: Base, table: str, policy: str) -> None:
    reader.do(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", policy.format(table=table) or "")
    with opened(as_reader(reader)) as store:
        with pytest.raises(StoreMisconfigured, match="row-level security"):
            store.record([done(somebody())])
        assert to_mend(store)
        assert any(f"table {table}: row-level" in found.message for found in store.check())


def test_a_policy_for_us_is_no_obstacle(reader: Base) -> None:
    reader.do(
        "ALTER TABLE progress ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY ours ON progress TO passerelle USING (true)",
    )
    with opened(as_reader(reader)) as store:
        assert to_mend(store) == []
        assert statuses(store, done(somebody())) == [Status.CREATED]


def test_another_unique_constraint_refuses_one_item(fresh_base: Base) -> None:
    fresh_base.do("ALTER TABLE progress ADD CONSTRAINT once UNIQUE (grain_id)")
    with opened(fresh_base) as store:
        first, second = store.record([done(somebody()), done(somebody())])
    assert first.status is Status.CREATED
    assert second.status is Status.REJECTED
    assert "constraint once of table progress" in (second.reason or "")


def test_another_foreign_key_refuses_one_item(fresh_base: Base) -> None:
    fresh_base.do(
        "CREATE TABLE grains (id varchar(255) PRIMARY KEY)",
        "INSERT INTO grains VALUES ('bridge-probe'), ('grain-1')",
        "ALTER TABLE progress ADD CONSTRAINT known FOREIGN KEY (grain_id) REFERENCES grains",
    )
    with opened(fresh_base) as store:
        first, second = store.record([done(somebody()), done(somebody(), "unknown")])
    assert first.status is Status.CREATED
    assert "constraint known of table progress" in (second.reason or "")


def test_a_check_constraint_refuses_one_item(fresh_base: Base) -> None:
    fresh_base.do("ALTER TABLE progress ADD CONSTRAINT short CHECK (length(grain_id) < 30)")
    with opened(fresh_base) as store:
        first, second = store.record([done(somebody()), done(somebody(), "g" * 40)])
    assert first.status is Status.CREATED
    assert "constraint short of table progress" in (second.reason or "")


def test_a_missing_partition_is_misconfigured(fresh_base: Base) -> None:
    fresh_base.do(
        "DROP TABLE progress",
        """CREATE TABLE progress (id serial, apprenant_id integer REFERENCES apprenants,
            grain_id varchar(255), module_id varchar(255), sequence_id varchar(255),
            completed_at timestamptz, PRIMARY KEY (id, completed_at))
            PARTITION BY RANGE (completed_at)""",
        "CREATE TABLE old PARTITION OF progress FOR VALUES FROM ('2000-01-01') TO ('2001-01-01')",
    )
    with opened(fresh_base) as store:
        with pytest.raises(StoreMisconfigured, match="no partition of table progress"):
            store.record([done(somebody())])
        assert "no partition" in to_mend(store)[0].message
        fresh_base.do("CREATE TABLE rest PARTITION OF progress DEFAULT")
        assert to_mend(store) == []
        assert statuses(store, done(somebody())) == [Status.CREATED]


def test_learners_without_their_constraint_are_refused(fresh_base: Base) -> None:
    fresh_base.do("ALTER TABLE apprenants DROP CONSTRAINT apprenants_origin_external_user_id_key")
    with opened(fresh_base) as store:
        with pytest.raises(StoreMisconfigured, match=r"UNIQUE\(origin, external_user_id\)"):
            store.record([done(somebody())])
        assert "UNIQUE(origin, external_user_id)" in to_mend(store)[0].message


def test_a_trigger_that_swallows_rows_is_told(fresh_base: Base) -> None:
    fresh_base.do(
        """CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RETURN NULL; END $$""",
        """CREATE TRIGGER swallow BEFORE INSERT ON progress
            FOR EACH ROW EXECUTE FUNCTION swallow()""",
    )
    with opened(fresh_base) as store:
        with pytest.raises(StoreMisconfigured, match="do not get there"):
            store.record([done(somebody())])
        assert to_mend(store)


@pytest.mark.parametrize("way", ["DATABASE {name}", "ROLE proprietaire"])
def test_a_read_only_base_is_told(fresh_base: Base, way: str) -> None:
    whom = way.format(name=fresh_base.name)
    superuser = fresh_base.server.psql
    superuser("postgres", f"ALTER {whom} SET default_transaction_read_only = on")
    try:
        with opened(fresh_base) as store:
            assert "read-only" in to_mend(store)[0].message
    finally:
        superuser("postgres", f"ALTER {whom} RESET default_transaction_read_only")


@pytest.mark.parametrize("table", ["progress", "apprenants"])
def test_rows_that_cannot_be_removed_are_told(fresh_base: Base, table: str) -> None:
    who = somebody()
    with opened(fresh_base) as store:
        store.record([done(who)])
        fresh_base.do(f"CREATE RULE keep AS ON DELETE TO {table} DO INSTEAD NOTHING")
        with pytest.raises(StoreMisconfigured, match=f"removed from {table} stay"):
            store.erase(who)
        assert f"removed from {table} stay" in to_mend(store)[0].message
        assert len(store.progress(who)) == 1


def test_a_trigger_that_changes_another_column_is_told(fresh_base: Base) -> None:
    fresh_base.do(
        """CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN NEW.module_id := 'M'; RETURN NEW; END $$""",
        "CREATE TRIGGER shout BEFORE INSERT ON progress FOR EACH ROW EXECUTE FUNCTION shout()",
    )
    with opened(fresh_base) as store:
        with pytest.raises(StoreMisconfigured, match="keeps other values"):
            store.record([done(somebody())])
        assert "let no trigger" in to_mend(store)[0].remedy


def test_a_column_that_holds_no_text_is_told(fresh_base: Base) -> None:
    fresh_base.do("ALTER TABLE progress ALTER module_id TYPE integer USING 1")
    with opened(fresh_base) as store:
        (finding,) = to_mend(store)
        assert finding.message == "column progress.module_id: INTEGER is no text"
        fresh_base.do(finding.remedy)
        assert to_mend(store) == []


def test_a_standby_is_told_and_awaited(fresh_base: Base) -> None:
    with Standby(fresh_base.server) as standby, opened(standby.url(fresh_base.name)) as store:
        assert store.progress(somebody()) == []
        assert "standby" in to_mend(store)[0].message
        with pytest.raises(StoreUnavailable, match="read-only"):
            store.record([done(somebody())])


def test_tables_in_another_schema_are_found(fresh_base: Base) -> None:
    fresh_base.do(
        "CREATE SCHEMA elsewhere",
        "ALTER TABLE apprenants SET SCHEMA elsewhere",
        "ALTER TABLE progress SET SCHEMA elsewhere",
    )
    with opened(fresh_base) as store:
        first, _ = to_mend(store)
        assert "in schema elsewhere" in first.message
    query = first.remedy.partition("?")[2].partition(" ")[0]
    with opened(f"{fresh_base.url}?{query}") as store:
        assert to_mend(store) == []
        assert statuses(store, done(somebody())) == [Status.CREATED]


def test_a_key_to_another_table_is_told(fresh_base: Base) -> None:
    fresh_base.do(
        "ALTER TABLE progress DROP CONSTRAINT progress_apprenant_id_fkey",
        "CREATE TABLE others (id integer PRIMARY KEY)",
        "ALTER TABLE progress ADD CONSTRAINT astray FOREIGN KEY (apprenant_id) REFERENCES others",
    )
    with opened(fresh_base) as store:
        with pytest.raises(StoreMisconfigured, match=r"astray.*refer to apprenants"):
            store.record([done(somebody())])
        assert "astray" in to_mend(store)[0].message


def test_checking_leaves_no_row(fresh_base: Base) -> None:
    with opened(fresh_base) as store:
        assert to_mend(store) == []
    assert fresh_base.rows("SELECT (SELECT count(*) FROM apprenants), count(*) FROM progress") == [
        (0, 0)
    ]


# --- SQLite ------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "progress.db"


def made_by_hand(path: Path, *statements: str) -> SQLStore:
    """Open a store on a file in which something was changed by hand."""
    url = f"sqlite:///{path}"
    with opened(url) as store:
        store.check()
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return SQLStore(store._settings)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("CREATE UNIQUE INDEX once ON progress (grain_id)", "progress"),
        (
            """CREATE TRIGGER refuse BEFORE INSERT ON progress WHEN NEW.grain_id = 'bad'
               BEGIN SELECT RAISE(ABORT, 'no'); END""",
            "a trigger refuses it",
        ),
    ],
)
def test_sqlite_names_what_refuses_one_item(path: Path, statement: str, reason: str) -> None:
    with closing(made_by_hand(path, statement)) as store:
        who = Identity("moodle", 1)
        first, second = store.record([done(somebody(), "bad2"), done(who, "bad2")])
        refused = store.record([done(who, "bad"), done(somebody(), "bad2"), done(who, "bad")])
    reasons = [outcome.reason for outcome in (first, second, *refused) if outcome.reason]
    assert reasons
    assert all(reason in told for told in reasons)


def test_sqlite_without_its_constraint_is_misconfigured(path: Path) -> None:
    table = """CREATE TABLE apprenants (id INTEGER PRIMARY KEY, origin TEXT,
        external_user_id TEXT, email TEXT, date_creation TEXT)"""
    with closing(made_by_hand(path, "DROP TABLE apprenants", table)) as store:
        with pytest.raises(StoreMisconfigured, match=r"UNIQUE\(origin, external_user_id\)"):
            store.record([done(somebody())])
        assert to_mend(store)


@pytest.mark.parametrize("key", ["id TEXT PRIMARY KEY", "id INT PRIMARY KEY"])
def test_sqlite_keys_that_number_nobody_are_told(path: Path, key: str) -> None:
    table = f"""CREATE TABLE apprenants ({key}, origin TEXT, external_user_id TEXT, email TEXT,
        date_creation TEXT, UNIQUE (origin, external_user_id))"""
    with closing(made_by_hand(path, "DROP TABLE apprenants", table)) as store:
        with pytest.raises(StoreMisconfigured, match=r"apprenants\.id is no whole number"):
            store.record([done(somebody())])
        assert to_mend(store)


def test_sqlite_triggers_that_change_instants_are_noticed(path: Path) -> None:
    trigger = """CREATE TRIGGER fill AFTER INSERT ON progress
        BEGIN UPDATE progress SET completed_at = '2020-01-01 00:00Z' WHERE id = NEW.id; END"""
    with closing(made_by_hand(path, trigger)) as store:
        with pytest.raises(StoreMisconfigured, match="completed_at"):
            store.record([done(somebody())])
        assert to_mend(store)
