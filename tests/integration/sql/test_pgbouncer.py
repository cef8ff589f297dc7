"""Through PgBouncer: each transaction may fall into another session, and none is ours."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from bridge import Status, StoreMisconfigured, StoreUnavailable
from tests.contract.learners import NOON, done, somebody
from tests.integration.sql.base import OWNER, Base
from tests.integration.sql.stores import opened, statuses, to_mend
from tests.servers.need import need
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import Postgres

SHOWN = """SELECT current_setting('timezone'), current_setting('statement_timeout'),
    current_setting('lock_timeout'), current_schema()"""


@pytest.fixture(scope="module")
def pgbouncer(postgres: Postgres) -> Iterator[PgBouncer]:
    need("pgbouncer")
    with PgBouncer(postgres) as server:
        yield server


@pytest.fixture
def url(pgbouncer: PgBouncer, fresh_base: Base) -> str:
    """Return the address of a base through PgBouncer, whose one session others have changed."""
    url = pgbouncer.url(fresh_base.name)
    with psycopg.connect(url, autocommit=True) as other:
        for setting in ("timezone = 'Asia/Tokyo'", "search_path = pg_catalog", "lock_timeout = 0"):
            other.execute(f"SET {setting}".encode())
    return url


def test_batches_are_recorded_over_and_over(url: str) -> None:
    who = somebody()
    with opened(url) as first, opened(url) as second:
        assert to_mend(first) == []
        for hours in range(12, 0, -1):  # what is asked often, the driver would prepare
            for store in (first, second):
                store.record([done(who, hours=hours), done(somebody())])
        assert first.progress(who) == [done(who, hours=1).progress]
        assert statuses(second, done(who, hours=1)) == [Status.ALREADY_RECORDED]


def test_settings_hold_in_each_transaction(url: str) -> None:
    with opened(url, read_timeout=2.5) as store, store._transaction() as connection:
        settings = connection.exec_driver_sql(SHOWN).one()
    assert tuple(settings) == ("UTC", "2500ms", "2500ms", "public")


def test_settings_are_gone_for_whoever_comes_next(url: str) -> None:
    with opened(url) as store:
        store.record([done(somebody())])
    with psycopg.connect(url, autocommit=True) as other:
        shown = other.execute("SELECT current_setting('lock_timeout')").fetchone()
    assert shown == ("0",)


def test_the_urls_options_are_used(url: str, fresh_base: Base) -> None:
    fresh_base.server.psql(
        fresh_base.name,
        f"CREATE SCHEMA elsewhere AUTHORIZATION {OWNER};"
        "ALTER TABLE apprenants SET SCHEMA elsewhere;"
        "ALTER TABLE progress SET SCHEMA elsewhere",
    )
    asked = f"{url}?options=-csearch_path%3Delsewhere%20--statement-timeout%3D7s"
    with opened(asked) as store:
        assert to_mend(store) == []
        store.record([done(somebody())])
        with store._transaction() as connection:
            settings = connection.exec_driver_sql(SHOWN).one()
    assert settings[1] == "7s"
    assert settings[3] == "elsewhere"
    with (
        opened(url) as store,
        pytest.raises(StoreMisconfigured, match="is missing"),
    ):
        store.record([done(somebody())])


def test_instants_are_the_same_as_without(url: str, fresh_base: Base) -> None:
    who = somebody()
    with opened(url) as store:
        store.record([done(who)])
    with opened(fresh_base) as store:
        assert [row.completed_at for row in store.progress(who)] == [NOON]


def test_a_statement_pool_is_told(postgres: Postgres, fresh_base: Base) -> None:
    need("pgbouncer")
    server = PgBouncer(postgres, pool_mode="statement")
    with server, opened(server.url(fresh_base.name)) as store:
        with pytest.raises(StoreMisconfigured, match="pool_mode to transaction"):
            store.record([done(somebody())])
        assert "pools statements" in to_mend(store)[0].message


def test_a_base_behind_it_that_is_missing_is_told(pgbouncer: PgBouncer) -> None:
    with opened(pgbouncer.url("nowhere"), connect_timeout=2) as store:
        with pytest.raises(StoreUnavailable, match="does not answer in time"):
            store.record([done(somebody())])  # PgBouncer tries again and again, and says nothing
        assert to_mend(store)[0].remedy


def test_a_startup_parameter_it_refuses_is_named(url: str) -> None:
    with opened(f"{url}?replication=database") as store:
        (finding,) = to_mend(store)
    assert "PgBouncer does not take a parameter" in finding.message
