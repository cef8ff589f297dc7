"""Keys as data owners have them: any integer, or told to be none."""

from __future__ import annotations

import pytest

from bridge import Status, StoreMisconfigured
from tests.contract.learners import done, somebody
from tests.integration.sql.base import Base
from tests.integration.sql.stores import opened, statuses, to_mend

ALL_BIG = [
    "ALTER TABLE apprenants ALTER id TYPE bigint",
    "ALTER TABLE progress ALTER apprenant_id TYPE bigint, ALTER id TYPE bigint",
    "ALTER SEQUENCE apprenants_id_seq AS bigint",
    "ALTER SEQUENCE progress_id_seq AS bigint",
]
TYPES = {
    "learners big": ["ALTER TABLE apprenants ALTER id TYPE bigint"],
    "parent big": ["ALTER TABLE progress ALTER apprenant_id TYPE bigint"],
    "small": [
        "ALTER TABLE apprenants ALTER id TYPE smallint",
        "ALTER TABLE progress ALTER apprenant_id TYPE smallint, ALTER id TYPE smallint",
    ],
    **{
        f"beyond 2^{power}": [
            *ALL_BIG,
            f"SELECT setval('apprenants_id_seq', {2**power + 1}), "
            f"setval('progress_id_seq', {2**power + 1})",
        ]
        for power in (31, 53)
    },
    "identity": [
        "ALTER TABLE apprenants ALTER id DROP DEFAULT, ALTER id TYPE bigint, "
        "ALTER id ADD GENERATED ALWAYS AS IDENTITY (START 3000000000)",
        "ALTER TABLE progress ALTER apprenant_id TYPE bigint",
    ],
}
UUIDS = [
    "ALTER TABLE progress DROP CONSTRAINT progress_apprenant_id_fkey, "
    "ALTER apprenant_id TYPE uuid USING gen_random_uuid()",
    "ALTER TABLE apprenants ALTER id DROP DEFAULT, ALTER id TYPE uuid USING gen_random_uuid(), "
    "ALTER id SET DEFAULT gen_random_uuid()",
    "ALTER TABLE progress ADD FOREIGN KEY (apprenant_id) REFERENCES apprenants",
]


@pytest.mark.parametrize("change", TYPES.values(), ids=TYPES.keys())
def test_keys_of_any_integer_type_serve(fresh_base: Base, change: list[str]) -> None:
    fresh_base.do(*change)
    alice, bob = somebody(), somebody()
    with opened(fresh_base) as store:
        assert to_mend(store) == []
        for hours, status in [
            (0, Status.CREATED),
            (0, Status.ALREADY_RECORDED),
            (-1, Status.MOVED_EARLIER),
        ]:
            both = [done(who, hours=hours) for who in (alice, bob)]
            assert statuses(store, *both) == [status] * 2
        assert store.progress(alice) == [done(alice, hours=-1).progress]
        assert store.learner(bob).id != store.learner(alice).id
        assert store.erase(alice)
        assert store.progress(bob) == [done(bob, hours=-1).progress]


@pytest.mark.parametrize(
    "change",
    [UUIDS, ["ALTER TABLE apprenants ALTER id TYPE numeric"]],
    ids=["uuid", "numeric"],
)
def test_a_key_that_is_no_integer_is_told(fresh_base: Base, change: list[str]) -> None:
    fresh_base.do(*change)
    with opened(fresh_base) as store:
        with pytest.raises(StoreMisconfigured, match=r"apprenants\.id"):
            store.record([done(somebody())])
        assert any("apprenants.id" in finding.message for finding in to_mend(store))
    assert fresh_base.rows("SELECT * FROM progress") == []


def test_a_key_too_large_for_progress_is_no_dead_letter(fresh_base: Base) -> None:
    fresh_base.do(*TYPES["learners big"], "ALTER SEQUENCE apprenants_id_seq AS bigint")
    fresh_base.do(f"SELECT setval('apprenants_id_seq', {2**31})")
    with opened(fresh_base) as store:
        with pytest.raises(StoreMisconfigured, match="too large"):
            store.record([done(somebody())])
        assert to_mend(store)
