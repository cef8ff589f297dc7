"""The SQL store where it differs from the others: its errors, and SQLite's file."""

from __future__ import annotations

import os
import socket
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from sqlalchemy import exc

from bridge import (
    Bridge,
    Completion,
    Identity,
    Progress,
    Status,
    StoreMisconfigured,
    StoreUnavailable,
)
from bridge.config import Names, StoreSettings
from bridge.stores.sql import SQLStore
from bridge.stores.sql.engine import open_engine
from bridge.stores.sql.errors import meaning
from bridge.stores.sql.tables import Tables
from tests.contract.learners import NOON, done, somebody
from tests.integration.test_directus_store import REFUSE
from tests.servers import ROOT
from tests.servers.postgres import Postgres


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    """Make a fresh base of the test's own."""
    made = postgres.create_database("sql_store")
    postgres.psql("sql_store", ROOT / "sql/schema-multi-origin.sql")
    yield made
    postgres.drop_database("sql_store")


def open_sql(url: str, **settings: Any) -> SQLStore:
    return SQLStore(StoreSettings(url=url, **settings))


def test_an_item_the_database_refuses_is_rejected_alone(postgres: Postgres, url: str) -> None:
    postgres.psql("sql_store", REFUSE.format(pattern="bad-%"))
    with closing(open_sql(url)) as store:
        learners = [somebody() for _ in range(20)]
        grains = ["bad-1" if n in (3, 4, 17) else "good" for n in range(20)]
        outcomes = store.record([done(*pair) for pair in zip(learners, grains, strict=True)])
        rejected = [n for n, outcome in enumerate(outcomes) if outcome.status is Status.REJECTED]
        assert rejected == [3, 4, 17]
        assert "RaiseException P0001" in (outcomes[3].reason or "")
        recorded = [n for n, who in enumerate(learners) if store.progress(who)]
        assert recorded == [n for n in range(20) if n not in rejected]


def test_a_learner_the_database_refuses_is_misconfigured(postgres: Postgres, url: str) -> None:
    refuse = REFUSE.format(pattern="%").replace("progress", "apprenants")
    postgres.psql("sql_store", refuse.replace("NEW.grain_id", "NEW.origin"))
    with (
        closing(open_sql(url)) as store,
        pytest.raises(StoreMisconfigured, match="refuses the learner"),
    ):
        store.learner(somebody())


def test_what_moves_earlier_is_a_new_row(postgres: Postgres, url: str) -> None:
    def row_id() -> str:
        return postgres.psql("sql_store", "SELECT id FROM progress").stdout

    who = somebody()
    with closing(open_sql(url)) as store:
        store.record([done(who)])
        before = row_id()
        assert store.record([done(who)])[0].status is Status.ALREADY_RECORDED
        assert row_id() == before
        assert store.record([done(who, hours=-1)])[0].status is Status.MOVED_EARLIER
        assert row_id() != before
        assert store.progress(who) == [Progress("grain-1", None, None, NOON - timedelta(hours=1))]


def test_a_learner_another_table_refers_to_is_kept(postgres: Postgres, url: str) -> None:
    who = somebody()
    with closing(open_sql(url)) as store:
        store.record([done(who)])
        postgres.psql(
            "sql_store",
            "CREATE TABLE badges (learner integer REFERENCES apprenants);"
            "INSERT INTO badges SELECT id FROM apprenants",
        )
        with pytest.raises(StoreMisconfigured, match="does another table refer to them"):
            store.erase(who)
        assert len(store.progress(who)) == 1
        postgres.psql("sql_store", "DROP TABLE badges")
        assert store.erase(who)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_an_old_bases_encoding_costs_no_neighbour(postgres: Postgres, encoding: str) -> None:
    postgres.psql(
        "postgres",
        f"CREATE DATABASE sql_old TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'",
    )
    try:
        postgres.psql("sql_old", ROOT / "sql/schema-multi-origin.sql")
        with closing(open_sql(postgres.url("sql_old"))) as store:
            who = somebody()
            outcomes = store.record([done(who, "g1"), done(who, "l’œuvre"), done(who, "été")])
            assert [outcomes[n].status for n in (0, 2)] == [Status.CREATED] * 2
            assert {row.grain_id for row in store.progress(who)} >= {"g1", "été"}
            assert any(not finding.fatal or finding.ok for finding in store.check())
    finally:
        postgres.drop_database("sql_old")


@pytest.mark.parametrize(
    "words",
    [
        'password authentication failed for user "b"',
        "authentification par mot de passe échouée pour l'utilisateur « b »",
        "la base de données « p » n'existe pas",
        "le rôle « b » n'existe pas",
    ],
)
def test_a_refused_login_is_misconfigured_in_french_too(words: str) -> None:
    refused = exc.OperationalError(None, None, Exception(f"FATAL:  {words}"))
    assert isinstance(meaning(refused, "postgresql://h/p", Tables(Names())), StoreMisconfigured)


def test_a_new_compulsory_column_is_misconfigured(postgres: Postgres, url: str) -> None:
    postgres.psql("sql_store", "ALTER TABLE progress ADD COLUMN mark text NOT NULL")
    with closing(open_sql(url)) as store:
        with pytest.raises(StoreMisconfigured, match="does a column need a default"):
            store.record([done(somebody()), done(somebody())])
        assert store.export(Identity("moodle", 1)) is None


def test_a_writer_before_the_lock_costs_another_attempt(postgres: Postgres, url: str) -> None:
    who = somebody()
    with closing(open_sql(url)) as store:
        store.learner(who)
        looked = store._rows.find_recorded
        postgres_row = (
            f"INSERT INTO progress (apprenant_id, grain_id, completed_at) SELECT id, 'grain-1',"
            f" '2020-01-01Z' FROM apprenants WHERE external_user_id = '{who.external_user_id}'"
        )

        def look_too_early(*arguments: Any) -> Any:
            store._rows.find_recorded = looked
            recorded = looked(*arguments)
            postgres.psql("sql_store", postgres_row)
            return recorded

        store._rows.find_recorded = look_too_early
        assert [outcome.status for outcome in store.record([done(who)])] == [
            Status.ALREADY_RECORDED
        ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DROP TABLE progress", "a table or column is missing"),
        ("ALTER TABLE progress DROP COLUMN grain_id", "a table or column is missing"),
        ("REVOKE ALL ON progress FROM reader", "no right to do this"),
    ],
)
def test_what_somebody_must_mend_is_misconfigured(
    postgres: Postgres, url: str, change: str, words: str
) -> None:
    postgres.psql(
        "sql_store",
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN;"
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO reader;"
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO reader;" + change,
    )
    as_reader = (
        url.replace("//", "//reader@", 1)
        if "@" not in url
        else "postgresql://reader@" + (url.partition("@")[2])
    )
    try:
        with closing(open_sql(as_reader)) as store:
            with pytest.raises(StoreMisconfigured, match=words):
                store.record([done(somebody())])
            assert any(finding.fatal and not finding.ok for finding in store.check())
    finally:
        postgres.psql("sql_store", "DROP OWNED BY reader; DROP ROLE reader")


def test_a_forbidden_sequence_is_told_with_its_grant(postgres: Postgres, url: str) -> None:
    postgres.psql(
        "sql_store",
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN;"
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO reader",
    )
    try:
        with closing(open_sql(f"postgresql://reader@{url.partition('@')[2]}")) as store:
            bad = [finding for finding in store.check() if not finding.ok]
            assert [finding.message for finding in bad] == [
                "table apprenants: no right to its sequence apprenants_id_seq",
                "table progress: no right to its sequence progress_id_seq",
            ]
            assert all(finding.fatal for finding in bad)
            for finding in bad:
                grant = finding.remedy.replace("the user of store.url", "reader")
                postgres.psql("sql_store", grant)
            assert all(finding.ok for finding in store.check())
            assert [outcome.status for outcome in store.record([done(somebody())])] == [
                Status.CREATED
            ]
    finally:
        postgres.psql("sql_store", "DROP OWNED BY reader; DROP ROLE reader")


def test_an_identity_columns_sequence_needs_no_right(postgres: Postgres, url: str) -> None:
    postgres.psql(
        "sql_store",
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN;"
        "ALTER TABLE apprenants ALTER id DROP DEFAULT;"
        "ALTER TABLE apprenants ALTER id ADD GENERATED BY DEFAULT AS IDENTITY;"
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO reader;"
        "GRANT USAGE ON SEQUENCE progress_id_seq TO reader",
    )
    try:
        with closing(open_sql(f"postgresql://reader@{url.partition('@')[2]}")) as store:
            assert all(finding.ok for finding in store.check())
            store.record([done(somebody())])
    finally:
        postgres.psql("sql_store", "DROP OWNED BY reader; DROP ROLE reader")


def test_a_missing_database_is_misconfigured(postgres: Postgres) -> None:
    with pytest.raises(StoreMisconfigured, match="there is no such database"):
        open_sql(postgres.url("nowhere")).progress(somebody())


def test_a_missing_server_is_unavailable_without_password() -> None:
    store = open_sql("postgresql://bridge:hush@127.0.0.1:9/progress", connect_timeout=1)
    with pytest.raises(StoreUnavailable) as raised:
        store.record([done(somebody())])
    assert "hush" not in "".join(traceback.format_exception(raised.value))
    assert [finding.ok for finding in store.check()] == [False]


def test_a_silent_host_that_is_gone_is_noticed(url: str) -> None:
    engine = open_engine(StoreSettings(url=url, read_timeout=2.5))
    with engine.connect() as connection:
        descriptor = connection.connection.dbapi_connection.fileno()
        with socket.socket(fileno=os.dup(descriptor)) as wire:
            names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_USER_TIMEOUT)
            found = [wire.getsockopt(socket.IPPROTO_TCP, name) for name in names]
    engine.dispose()
    assert found == [3, 3, 2500]


def test_a_row_that_is_refused_is_not_shown(postgres: Postgres, url: str) -> None:
    postgres.psql("sql_store", REFUSE.format(pattern="%"))
    who = somebody("funmooc")
    with closing(open_sql(url)) as store, pytest.raises(StoreMisconfigured) as raised:
        store.record([done(who)])
    assert who.external_user_id not in "".join(traceback.format_exception(raised.value))


def test_a_locked_sqlite_file_is_unavailable_in_time(tmp_path: Path) -> None:
    path = tmp_path / "progress.db"
    with closing(open_sql(f"sqlite:///{path}", read_timeout=0.1)) as store:
        store.record([done(somebody())])
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable):
                store.record([done(somebody())])
        assert store.record([done(somebody())])[0].status is Status.CREATED


def test_a_new_file_in_the_making_is_awaited(tmp_path: Path) -> None:
    path = tmp_path / "progress.db"
    with (
        closing(open_sql(f"sqlite:///{path}")) as store,
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")  # SQLite does not wait for this one's write-ahead log
        made = Timer(0.2, other.execute, ["COMMIT"])
        made.start()
        assert store.record([done(somebody())])[0].status is Status.CREATED
        made.join()


@pytest.mark.parametrize("content", [b"not a database " * 99, None])
def test_an_unreadable_sqlite_file_is_misconfigured(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "folder" / "progress.db"
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    with pytest.raises(StoreMisconfigured, match="not a database that can be opened"):
        open_sql(f"sqlite:///{path}").record([done(somebody())])


def test_many_completions_are_recorded_lazily_in_order(tmp_path: Path) -> None:
    read: list[int] = []

    def generated() -> Iterator[Completion]:
        for n in range(1, 12_001):
            read.append(n)
            yield done(Identity("moodle", n))

    with Bridge(open_sql(f"sqlite:///{tmp_path}/progress.db")) as bridge:
        outcomes = bridge.record_many(generated())
        assert read == []
        assert next(outcomes).status is Status.CREATED
        assert len(read) == 5000
        assert sum(1 for _ in outcomes) == 11_999
