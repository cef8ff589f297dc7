"""Keys as data owners have them: Directus gives a BIGINT as text and an INTEGER as a number."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge import Status, StoreMisconfigured
from tests.contract.learners import done, somebody
from tests.integration.own_base import OwnBase

SERVERS = ["directus_pg", "directus_10", "directus_12"]

LEARNERS_BIG = "ALTER TABLE {learners} ALTER id TYPE bigint;"
PARENT_BIG = "ALTER TABLE {progress} ALTER apprenant_id TYPE bigint;"
PROGRESS_BIG = "ALTER TABLE {progress} ALTER id TYPE bigint;"
BEYOND = (
    "SELECT setval(pg_get_serial_sequence('{learners}', 'id'), 9007199254740993);"
    "SELECT setval(pg_get_serial_sequence('{progress}', 'id'), 9007199254740993);"
)
SEQUENCES_BIG = (
    "ALTER SEQUENCE {learners}_id_seq AS bigint; ALTER SEQUENCE {progress}_id_seq AS bigint;"
)
SMALL = (
    "ALTER TABLE {learners} ALTER id TYPE smallint;"
    "ALTER TABLE {progress} ALTER apprenant_id TYPE smallint;"
)
ALL_BIG = LEARNERS_BIG + PARENT_BIG + PROGRESS_BIG
UUID_LEARNERS = (
    "ALTER TABLE {progress} DROP CONSTRAINT {progress}_apprenant_id_foreign;"
    "ALTER TABLE {learners} ALTER id DROP DEFAULT;"
    "ALTER TABLE {learners} ALTER id TYPE uuid USING gen_random_uuid(),"
    " ALTER id SET DEFAULT gen_random_uuid();"
    "ALTER TABLE {progress} ALTER apprenant_id TYPE uuid USING gen_random_uuid();"
)
UUID_PROGRESS = (
    "ALTER TABLE {progress} ALTER id DROP DEFAULT;"
    "ALTER TABLE {progress} ALTER id TYPE uuid USING gen_random_uuid(),"
    " ALTER id SET DEFAULT gen_random_uuid();"
)
TYPES = {
    "uuid-of-progress": UUID_PROGRESS,
    "learners": LEARNERS_BIG,
    "parent": PARENT_BIG,
    "progress": PROGRESS_BIG,
    "all": ALL_BIG,
    "beyond-2^53": ALL_BIG + SEQUENCES_BIG + BEYOND,
    "small": SMALL,
}


@pytest.fixture(params=SERVERS)
def base(request: pytest.FixtureRequest) -> Iterator[OwnBase]:
    made = OwnBase(request.getfixturevalue(request.param))
    yield made
    made.close()


@pytest.mark.parametrize("change", TYPES.values(), ids=TYPES.keys())
def test_keys_of_any_integer_type_serve(base: OwnBase, change: str) -> None:
    base.alter(change)
    alice, bob = somebody(), somebody()
    store = base.writer()

    def statuses(*hours: float) -> list[Status]:
        return [
            outcome.status
            for outcome in store.record([done(who, hours=h) for who in (alice, bob) for h in hours])
        ]

    assert statuses(0) == [Status.CREATED] * 2
    assert statuses(0) == [Status.ALREADY_RECORDED] * 2
    assert statuses(-1) == [Status.MOVED_EARLIER] * 2
    assert base.writer().progress(alice) == [done(alice, hours=-1).progress]
    assert store.export(bob)
    assert store.learner(bob).id == base.writer().learner(bob).id
    assert store.erase(alice)
    assert [external for external, _ in base.rows()] == [bob.external_user_id]


def test_learners_keys_that_are_no_integers_are_refused(base: OwnBase) -> None:
    base.alter(UUID_LEARNERS)
    with pytest.raises(StoreMisconfigured, match="primary key is one"):
        base.writer().record([done(somebody())])
    assert base.rows() == set()
