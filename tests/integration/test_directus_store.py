"""The Directus store on the real server: bad items, wrong settings, other writers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Final

import psycopg
import pytest

from bridge import Status, StoreMisconfigured, StoreUnavailable
from bridge.config import Names, Secret
from bridge.stores.directus import DirectusStore
from bridge.stores.directus.learners import LearnerCache
from tests.contract.learners import done, somebody
from tests.servers.directus import Directus
from tests.servers.postgres import psql

REFUSE: Final = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.grain_id LIKE '{pattern}' THEN RAISE EXCEPTION 'refused'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON progress FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@contextmanager
def changed(directus: Directus, change: str, back: str) -> Iterator[None]:
    """Change the database behind Directus's back, for a while."""
    assert directus.database_url is not None
    psql(directus.database_url, change)
    try:
        yield
    finally:
        psql(directus.database_url, back)


def refusing(directus: Directus, pattern: str) -> AbstractContextManager[None]:
    """Let the database refuse grains like this, to which Directus answers 500."""
    return changed(directus, REFUSE.format(pattern=pattern), "DROP FUNCTION refuse() CASCADE")


@pytest.fixture
def store(directus_pg: Directus) -> Iterator[DirectusStore]:
    made = DirectusStore(directus_pg.store_settings)
    yield made
    made.close()


def test_an_item_the_database_refuses_is_rejected_alone(
    directus_pg: Directus, store: DirectusStore
) -> None:
    learners = [somebody() for _ in range(40)]
    batch = [done(who, "bad-1" if n in (7, 8, 31) else "good") for n, who in enumerate(learners)]
    with refusing(directus_pg, "bad-%"):
        outcomes = store.record(batch)
    rejected = [n for n, outcome in enumerate(outcomes) if outcome.status is Status.REJECTED]
    assert rejected == [7, 8, 31]
    assert outcomes[7].reason == "Directus refuses: INTERNAL_SERVER_ERROR"
    assert all(bool(store.progress(who)) == (n not in rejected) for n, who in enumerate(learners))
    assert [outcome.status for outcome in store.record([batch[7]])] == [Status.CREATED]


def test_an_earlier_item_refused_leaves_the_row(
    directus_pg: Directus, store: DirectusStore
) -> None:
    bad, good = somebody(), somebody()
    store.record([done(bad, "bad-2"), done(good)])
    with refusing(directus_pg, "bad-%"):
        outcomes = store.record([done(bad, "bad-2", -1), done(good, hours=-1)])
    assert [outcome.status for outcome in outcomes] == [Status.REJECTED, Status.MOVED_EARLIER]
    assert store.progress(bad) == [done(bad, "bad-2").progress]


def test_a_server_that_fails_on_everything_is_unavailable(
    directus_pg: Directus, store: DirectusStore
) -> None:
    batch = [done(somebody()) for _ in range(5)]
    with refusing(directus_pg, "%"), pytest.raises(StoreUnavailable):
        store.record(batch)
    assert {outcome.status for outcome in store.record(batch)} == {Status.CREATED}


def test_a_new_compulsory_field_is_misconfigured(
    directus_pg: Directus, store: DirectusStore
) -> None:
    batch = [done(somebody()) for _ in range(3)]
    add = "ALTER TABLE progress ADD COLUMN mark text NOT NULL DEFAULT ''; "
    add += "ALTER TABLE progress ALTER COLUMN mark DROP DEFAULT"
    with changed(directus_pg, add, "ALTER TABLE progress DROP COLUMN mark"):
        for items in (batch, batch[:1]):
            with pytest.raises(StoreMisconfigured, match="is a field compulsory"):
                store.record(items)
    assert {outcome.status for outcome in store.record(batch)} == {Status.CREATED}


def test_a_probe_leaves_nothing_behind(directus_pg: Directus, store: DirectusStore) -> None:
    with refusing(directus_pg, "bad-%"):
        store.record([done(somebody(), "bad-3")])
    answer = directus_pg.request(
        "SEARCH",
        "/items/progress",
        {"query": {"filter": {"grain_id": {"_starts_with": "progress-bridge-probe"}}}},
    )
    assert answer.json()["data"] == []


def test_an_erased_learner_leaves_no_copy(directus_pg: Directus, store: DirectusStore) -> None:
    who = somebody("funmooc")
    store.record([done(who)])
    store.record([done(who, hours=-1)])
    store.erase(who)
    assert directus_pg.database_url is not None
    with psycopg.connect(directus_pg.database_url) as connection:
        query = "SELECT count(*) FROM directus_revisions WHERE data::text LIKE %s"
        row = connection.execute(query, [f"%{who.external_user_id}%"]).fetchone()
    assert row == (0,)


def test_a_wrong_token_is_misconfigured(directus_pg: Directus) -> None:
    settings = replace(directus_pg.store_settings, token=Secret("wrong"))
    with pytest.raises(StoreMisconfigured, match="token is not valid"):
        DirectusStore(settings).record([done(somebody())])


@pytest.mark.parametrize("names", [Names(learners="nowhere"), Names(progress="nowhere")])
def test_a_missing_collection_is_misconfigured(directus_pg: Directus, names: Names) -> None:
    settings = replace(directus_pg.store_settings, names=names)
    with pytest.raises(StoreMisconfigured, match="progress-bridge check"):
        DirectusStore(settings).record([done(somebody())])


def test_a_directus_that_is_down_is_unavailable(
    directus_sqlite: Directus,
) -> None:
    store = DirectusStore(replace(directus_sqlite.store_settings, connect_timeout=1))
    who = somebody()
    store.record([done(who)])
    directus_sqlite.kill()
    try:
        with pytest.raises(StoreUnavailable):
            store.record([done(who, "grain-2")])
    finally:
        directus_sqlite.start()
    assert [outcome.status for outcome in store.record([done(who, "grain-2")])] == [Status.CREATED]


def test_the_learner_cache_has_its_configured_size(directus_pg: Directus) -> None:
    cache = LearnerCache(2)
    alice, bob, carol = somebody(), somebody(), somebody()
    cache.put({alice: 1, bob: 2})
    assert cache.get([alice]) == {alice: 1}
    cache.put({carol: 3})
    assert cache.get([alice, bob, carol]) == {alice: 1, carol: 3}
    forgetful = DirectusStore(replace(directus_pg.store_settings, learner_cache=0))
    who = somebody()
    for grain in ("a", "b"):
        assert [outcome.status for outcome in forgetful.record([done(who, grain)])] == [
            Status.CREATED
        ]


def test_large_rows_go_in_several_requests(store: DirectusStore) -> None:
    who = somebody()
    batch = [done(who, f"{n:03}" + "🎓" * 252, module_id="🎓" * 255) for n in range(450)]
    assert {outcome.status for outcome in store.record(batch)} == {Status.CREATED}
    assert len(store.progress(who)) == 450


def test_a_learner_directus_refuses_has_their_completions_rejected(
    directus_pg: Directus, store: DirectusStore
) -> None:
    refused, welcome = somebody("funmooc"), somebody("funmooc")
    change = f"""
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.external_user_id = '{refused.external_user_id}' THEN RAISE EXCEPTION 'no'; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON apprenants FOR EACH ROW EXECUTE FUNCTION refuse();
    """
    with changed(directus_pg, change, "DROP FUNCTION refuse() CASCADE"):
        outcomes = store.record([done(refused), done(welcome), done(refused, "grain-2")])
    statuses = [outcome.status for outcome in outcomes]
    assert statuses == [Status.REJECTED, Status.CREATED, Status.REJECTED]
    assert refused.external_user_id not in str(outcomes)


@contextmanager
def behind(directus: Directus, table: str, more: str) -> Iterator[None]:
    """Put the table's sequence behind its rows, as after an import, for a while."""
    sequence = f"pg_get_serial_sequence('{table}', 'id')"
    newest = f"(SELECT max(id) FROM {table})"
    change = f"INSERT INTO {table} SELECT {newest} + n, {more} FROM generate_series(1, 900) n"
    back = f"DELETE FROM {table} WHERE id > {newest} - 900"
    with changed(directus, change, f"{back}; SELECT setval({sequence}, {newest})"):
        yield


def test_a_sequence_behind_its_table_is_misconfigured(
    directus_pg: Directus, store: DirectusStore
) -> None:
    known = somebody()
    store.record([done(known)])
    learner = store.learner(known).id
    new = [done(somebody()) for _ in range(3)]
    with (
        behind(directus_pg, "apprenants", "'moodle', 'imported-' || n"),
        pytest.raises(StoreMisconfigured, match="sequence of apprenants is behind its rows"),
    ):
        store.record(new)
    for items in ([done(known, "grain-2")], [done(known, f"grain-{n}") for n in range(2, 20)]):
        with behind(directus_pg, "progress", f"{learner}, 'imported-' || n, null, null, now()"):
            with pytest.raises(StoreMisconfigured, match="sequence of progress is behind its rows"):
                store.record(items)
            assert "setval" in next(found.remedy for found in store.check() if not found.ok)
    outcomes = store.record([*new, done(known, "grain-2")])
    assert {outcome.status for outcome in outcomes} == {Status.CREATED}


def test_a_conflict_on_another_field_rejects_one_item(
    directus_pg: Directus, store: DirectusStore
) -> None:
    batch = [done(somebody(), module_id=f"only-{min(n, 3)}") for n in range(5)]
    unique = "CREATE UNIQUE INDEX once ON progress (module_id) WHERE module_id LIKE 'only-%'"
    with changed(directus_pg, unique, "DROP INDEX once"):
        outcomes = store.record(batch)
    statuses = [outcome.status for outcome in outcomes]
    assert sorted(statuses[3:]) == [Status.CREATED, Status.REJECTED]
    assert set(statuses[:3]) == {Status.CREATED}
    rejected = next(outcome for outcome in outcomes if outcome.status is Status.REJECTED)
    assert rejected.reason == "Directus refuses: RECORD_NOT_UNIQUE (progress.module_id)"


def test_a_conflict_with_a_hidden_row_is_misconfigured(
    directus_pg: Directus, store: DirectusStore
) -> None:
    batch = [done(somebody(), "only-one") for _ in range(2)]
    unique = "CREATE UNIQUE INDEX once ON progress (grain_id) WHERE grain_id = 'only-one'"
    with (
        changed(directus_pg, unique, "DROP INDEX once"),
        pytest.raises(StoreMisconfigured, match="does a rule hide rows"),
    ):
        store.record(batch)
    outcomes = {outcome.status for outcome in store.record(batch)}
    assert outcomes == {Status.CREATED, Status.ALREADY_RECORDED}


def test_a_learner_another_table_refers_to_is_kept(
    directus_pg: Directus, store: DirectusStore
) -> None:
    who = somebody()
    store.record([done(who)])
    refer = "CREATE TABLE certificats (apprenant_id integer REFERENCES apprenants (id)); "
    refer += f"INSERT INTO certificats VALUES ({store.learner(who).id})"
    with (
        changed(directus_pg, refer, "DROP TABLE certificats"),
        pytest.raises(StoreMisconfigured, match="another table refers to this learner"),
    ):
        store.erase(who)
    assert store.erase(who)
