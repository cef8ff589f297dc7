"""Learners of more rows than the server gives or changes at once, and rows that come late."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge import Completion, Status
from bridge.stores.directus import DirectusStore
from tests.contract.learners import done, somebody
from tests.integration.own_base import OwnBase
from tests.servers.directus import Directus

GRAINS = [f"grain-{number}" for number in range(250)]

LATE_ROW = """
CREATE FUNCTION late_{learners}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO {progress} (apprenant_id, grain_id, completed_at) VALUES (OLD.id, 'late', now());
    RETURN OLD;
END $$;
CREATE TRIGGER late BEFORE DELETE ON {learners} FOR EACH ROW EXECUTE FUNCTION late_{learners}();
"""


@pytest.fixture
def limited(directus_sqlite: Directus) -> Iterator[DirectusStore]:
    """Open a store on a server that gives and changes 100 rows at once."""
    store = DirectusStore(directus_sqlite.store_settings)
    yield store
    store.close()


def statuses(store: DirectusStore, *completions: Completion) -> set[Status]:
    return {outcome.status for outcome in store.record(completions)}


def test_a_large_learner_is_recorded_and_erased_whole(limited: DirectusStore) -> None:
    who, neighbour = somebody(), somebody()
    limited.record([done(neighbour)])
    assert statuses(limited, *(done(who, grain) for grain in GRAINS)) == {Status.CREATED}
    earlier = [done(who, grain, hours=-1) for grain in GRAINS]
    assert statuses(limited, *earlier) == {Status.MOVED_EARLIER}
    assert limited.progress(who) == sorted(completion.progress for completion in earlier)
    assert limited.erase(who)
    assert limited.progress(who) == []
    assert limited.export(who) is None
    assert limited.progress(neighbour) == [done(neighbour).progress]


def test_many_learners_are_created_under_a_limit(limited: DirectusStore) -> None:
    learners = [somebody() for _ in range(250)]
    assert statuses(limited, *map(done, learners)) == {Status.CREATED}
    assert [limited.progress(who) for who in learners[::50]] == [[done(learners[0]).progress]] * 5


@pytest.mark.parametrize("without", [(), ("key",)], ids=["cascade", "no-foreign-key"])
def test_a_row_that_comes_late_has_an_owner(directus_pg: Directus, without: tuple[str]) -> None:
    base = OwnBase(directus_pg, *without)
    store, who = base.writer(), somebody()
    store.record([done(who)])
    base.run(LATE_ROW)
    try:
        assert store.erase(who)
        assert base.read(base.names.learners) == base.read(base.names.progress) == []
    finally:
        base.run("DROP FUNCTION late_{learners}() CASCADE")
        base.close()
