"""Directus may answer from its cache for hours. What the bridge decides by never comes from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bridge import Status
from bridge.checks import Finding
from bridge.stores.directus import DirectusStore
from tests.contract.learners import done, somebody
from tests.integration.own_base import OwnBase
from tests.integration.own_tables import make_tables
from tests.integration.test_setup import permissions, registered
from tests.servers.directus import Directus, set_up
from tests.servers.postgres import Postgres

VERSIONS = ["11.17.4", "10.13.4", "12.4.0"]
CACHE = {
    "CACHE_ENABLED": "true",
    "CACHE_STORE": "memory",
    "CACHE_TTL": "1h",
    "CACHE_AUTO_PURGE": "false",
}


@pytest.fixture(scope="module", params=VERSIONS)
def caching(
    request: pytest.FixtureRequest, postgres: Postgres, start_directus: Callable[..., Directus]
) -> Directus:
    name = f"caching_{request.param.partition('.')[0]}"
    return start_directus(request.param, postgres.create_database(name), **CACHE)


@pytest.fixture
def base(caching: Directus) -> Iterator[OwnBase]:
    made = OwnBase(caching)
    yield made
    made.close()


def fatal(store: DirectusStore) -> list[Finding]:
    return [finding for finding in store.check() if not finding.ok and finding.fatal]


def test_this_directus_does_cache(base: OwnBase) -> None:
    path = f"/items/{base.names.learners}"
    assert base.directus.request("GET", path).json() == {"data": []}
    base.writer().record([done(somebody())])
    assert base.directus.request("GET", path).json() == {"data": []}
    assert len(base.read(base.names.learners)) == 1


@pytest.mark.parametrize("table", ["learners", "progress"])
def test_a_table_renamed_behind_its_back_is_told(base: OwnBase, table: str) -> None:
    store = base.writer()
    assert fatal(store) == []
    base.run(f"ALTER TABLE {{{table}}} RENAME TO {{{table}}}_elsewhere")
    found = fatal(store)
    assert any(getattr(base.names, table) in finding.message for finding in found)
    base.run(f"ALTER TABLE {{{table}}}_elsewhere RENAME TO {{{table}}}")
    assert fatal(store) == []


def test_a_column_renamed_behind_its_back_is_told(base: OwnBase) -> None:
    store = base.writer()
    assert fatal(store) == []
    base.run("ALTER TABLE {progress} RENAME grain_id TO grain")
    assert any("grain_id" in finding.message for finding in fatal(store))


def test_a_right_taken_away_is_told(caching: Directus) -> None:
    store = DirectusStore(caching.store_settings)
    assert fatal(store) == []
    for permission in permissions(caching):
        caching.request("DELETE", f"/permissions/{permission['id']}")
    assert fatal(store)
    set_up(caching)
    assert fatal(store) == []
    store.close()


def test_what_is_recorded_is_never_read_from_a_cache(base: OwnBase) -> None:
    who, store, other = somebody(), base.writer(), base.writer()
    for hours in (0, -1, -2):
        assert store.progress(who) == other.progress(who)
        store.record([done(who, hours=hours)])
        assert other.progress(who) == [done(who, hours=hours).progress]
        assert other.record([done(who, hours=hours)])[0].status is Status.ALREADY_RECORDED
    assert store.erase(who)
    assert other.progress(who) == []


def test_setup_sees_what_it_changed(caching: Directus) -> None:
    names = make_tables(caching)
    assert registered(caching, names)
    assert registered(caching, names) == []
    set_up(caching)
