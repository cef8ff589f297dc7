"""The contract of `bridge.stores.Store`: one suite, unchanged, on every store."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier

import pytest

from bridge import Completion, Identity, Status
from bridge.stores import Store
from tests.contract.conftest import Place
from tests.contract.learners import NOON, done, somebody

CREATED, ALREADY, MOVED = Status.CREATED, Status.ALREADY_RECORDED, Status.MOVED_EARLIER


def statuses(store: Store, *completions: Completion) -> list[Status]:
    return [outcome.status for outcome in store.record(completions)]


def instants(store: Store, who: Identity) -> dict[str, datetime | None]:
    return {row.grain_id: row.completed_at for row in store.progress(who)}


def at_once(first: Store, second: Store, *batches: list[Completion]) -> list[Status]:
    """Record the two batches by the two stores at the same time, and return all outcomes."""
    start = Barrier(2)

    def record(store: Store, batch: list[Completion]) -> list[Status]:
        start.wait()
        return statuses(store, *batch)

    with ThreadPoolExecutor(2) as pool:
        results = pool.map(record, (first, second), batches)
    return [status for result in results for status in result]


def test_a_repeated_completion_is_recorded_once(store: Store) -> None:
    who = somebody()
    assert statuses(store, done(who)) == [CREATED]
    assert statuses(store, done(who)) == [ALREADY]
    assert instants(store, who) == {"grain-1": NOON}


def test_an_earlier_completion_replaces_a_later_one(store: Store) -> None:
    who = somebody()
    assert statuses(store, done(who, hours=5), done(who, "grain-2")) == [CREATED, CREATED]
    assert statuses(store, done(who, hours=-1)) == [MOVED]
    assert statuses(store, done(who, hours=3)) == [ALREADY]
    assert instants(store, who) == {"grain-1": NOON - timedelta(hours=1), "grain-2": NOON}


def test_the_earliest_row_keeps_its_module_and_sequence(store: Store) -> None:
    who = somebody()
    store.record([done(who, hours=1, module_id="late", sequence_id="late")])
    store.record([done(who, module_id="early")])
    (row,) = store.progress(who)
    assert (row.module_id, row.sequence_id) == ("early", None)


def test_outcomes_come_one_for_each_completion_in_order(store: Store) -> None:
    alice, bob = somebody(), somebody("moodle")
    store.record([done(bob, hours=2)])
    batch = [done(alice, hours=1), done(bob), done(alice), done(alice, hours=2), done(bob)]
    assert statuses(store, *batch) == [CREATED, MOVED, MOVED, ALREADY, ALREADY]
    assert instants(store, alice) == instants(store, bob) == {"grain-1": NOON}


def test_an_empty_batch_has_no_outcomes(store: Store) -> None:
    assert store.record([]) == []


def test_one_id_under_two_origins_is_two_learners(store: Store) -> None:
    number = somebody("moodle").external_user_id
    moodle, funmooc = Identity("moodle", number), Identity("funmooc", number)
    store.record([done(moodle)])
    assert store.progress(funmooc) == []
    assert store.learner(moodle).id != store.learner(funmooc).id


def test_ids_that_differ_in_case_are_different(store: Store) -> None:
    lower = somebody("funmooc")
    upper = Identity("funmooc", lower.external_user_id.upper() + "A")
    lower = Identity("funmooc", upper.external_user_id.lower())
    batch = [done(lower, "grain"), done(lower, "Grain"), done(upper, "grain")]
    assert statuses(store, *batch) == [CREATED] * 3
    assert len(store.progress(lower)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "é" * 255,
        "🎓" * 255,
        'l\'« été » "à" 100 % \\ ; DROP TABLE progress; -- {{$NOW}} $1 :x ?',
        '{"$regex": ".*"}',
        "null",
        "true",
        "$NOW",
        "$CURRENT_USER.email",
        "0",
        "مرحبا बिज 漢字",
    ],
    ids=["accents", "emoji", "quotes", "json", "null", "true", "now", "user", "zero", "scripts"],
)
def test_any_printable_text_comes_back_as_it_was(store: Store, text: str) -> None:
    who = somebody()
    batch = [done(who, text, module_id=text, sequence_id=text)]
    assert statuses(store, *batch) == [CREATED]
    assert statuses(store, *batch) == [ALREADY]
    assert statuses(store, done(who, text, -1, module_id=text, sequence_id=text)) == [MOVED]
    (row,) = store.progress(who)
    assert (row.grain_id, row.module_id, row.sequence_id) == (text, text, text)


def test_an_id_may_be_a_special_word(store: Store) -> None:
    learners = [Identity("funmooc", word) for word in ("null", "true", "false", "NULL", "0")]
    for who in learners:
        store.erase(who)
    batch = [done(who) for who in learners]
    assert statuses(store, *batch) == [CREATED] * len(learners)
    assert [store.learner(who).identity for who in learners] == learners
    assert [store.erase(who) for who in learners] == [True] * len(learners)


@pytest.mark.parametrize(
    "instant",
    [
        datetime(2000, 1, 1, tzinfo=UTC),
        datetime(2024, 2, 29, 23, 59, 59, 999_000, tzinfo=UTC),
        datetime(2025, 10, 26, 2, 30, tzinfo=timezone(timedelta(hours=2))),
        datetime(2025, 6, 1, 0, 0, 0, 1_999, tzinfo=timezone(timedelta(hours=-11))),
    ],
)
def test_instants_come_back_in_utc_milliseconds(store: Store, instant: datetime) -> None:
    who = somebody()
    completion = Completion(who, "grain-1", completed_at=instant)
    store.record([completion])
    assert instants(store, who) == {"grain-1": completion.completed_at}
    assert statuses(store, completion) == [ALREADY]


def test_a_batch_may_be_larger_than_any_request(store: Store) -> None:
    learners = [somebody("moodle") for _ in range(120)]
    batch = [done(who, f"grain-{n}") for who in learners for n in range(10)]
    assert statuses(store, *batch) == [CREATED] * 1200
    assert statuses(store, *batch) == [ALREADY] * 1200
    assert len(store.progress(learners[7])) == 10


def test_a_batch_may_mix_learners_and_grains(store: Store) -> None:
    batch = [done(somebody(), f"grain-{n}") for n in range(150)]
    assert statuses(store, *batch) == [CREATED] * 150
    assert statuses(store, *batch) == [ALREADY] * 150


def test_a_record_is_in_order_of_completion(store: Store) -> None:
    who = somebody()
    store.record([done(who, "c", 2), done(who, "a", 3), done(who, "b", 1)])
    assert [row.grain_id for row in store.progress(who)] == ["b", "c", "a"]


def test_asking_about_an_unseen_learner_creates_nothing(store: Store) -> None:
    who = somebody()
    assert store.progress(who) == []
    assert store.export(who) is None
    assert store.erase(who) is False
    assert store.export(who) is None


def test_a_learner_is_created_once(store: Store, other: Store) -> None:
    who = somebody("funmooc")
    first = store.learner(who)
    assert first.identity == who
    assert first.date_creation is not None
    assert abs(first.date_creation - datetime.now(UTC)) < timedelta(minutes=1)
    assert other.learner(who) == first
    assert statuses(other, done(who)) == [CREATED]
    assert store.learner(who) == first


def test_email_addresses_are_kept_only_when_asked(place: Place) -> None:
    alice, bob, carol = somebody(), somebody(), somebody()
    forgetful, keeper = place.open(), place.open(store_email=True)
    forgetful.record([done(alice, email="alice@example.org")])
    keeper.record([done(bob, email="bob@example.org"), done(bob, "grain-2")])
    assert forgetful.learner(alice).email is None
    assert keeper.learner(bob).email == "bob@example.org"
    assert keeper.learner(carol, "carol@example.org").email == "carol@example.org"


def test_an_export_holds_everything_as_json(store: Store) -> None:
    who = somebody("moodle")
    store.record([done(who, "g", module_id="m"), done(who, "h", 1, sequence_id="s")])
    export = json.loads(json.dumps(store.export(who)))
    assert export["learner"].pop("date_creation").endswith("Z")
    assert export == {
        "learner": {
            "origin": "moodle",
            "external_user_id": who.external_user_id,
            "email": None,
        },
        "progress": [
            {
                "grain_id": "g",
                "module_id": "m",
                "sequence_id": None,
                "completed_at": "2026-01-31T12:00:00.000Z",
            },
            {
                "grain_id": "h",
                "module_id": None,
                "sequence_id": "s",
                "completed_at": "2026-01-31T13:00:00.000Z",
            },
        ],
    }


def test_an_erasure_removes_that_learner_alone(store: Store) -> None:
    alice, bob = somebody(), somebody()
    store.record([done(alice), done(alice, "grain-2"), done(bob)])
    assert store.erase(alice) is True
    assert store.export(alice) is None
    assert store.erase(alice) is False
    assert instants(store, bob) == {"grain-1": NOON}


def test_a_learner_erased_elsewhere_starts_afresh(store: Store, other: Store) -> None:
    who, neighbour = somebody(), somebody()
    store.record([done(who), done(neighbour)])
    other.erase(who)
    assert statuses(store, done(neighbour), done(who, "grain-2")) == [ALREADY, CREATED]
    assert instants(store, who) == {"grain-2": NOON}
    other.erase(who)
    assert statuses(store, done(who, "grain-2", -1)) == [CREATED]


def test_two_writers_create_each_new_learner_once(store: Store, other: Store) -> None:
    learners = [somebody() for _ in range(20)]
    batch = [done(who, grain) for who in learners for grain in ("a", "b")]
    together = at_once(store, other, batch, list(reversed(batch)))
    assert together.count(CREATED) == len(batch)
    assert together.count(ALREADY) == len(batch)
    assert all(len(store.progress(who)) == 2 for who in learners)


def test_the_earliest_of_two_early_writers_wins(store: Store, other: Store) -> None:
    learners = [somebody() for _ in range(10)]
    for attempt in range(1, 4):
        grain = f"grain-{attempt}"
        store.record([done(who, grain, 10) for who in learners])
        late = [done(who, grain, 5) for who in learners]
        early = [done(who, grain) for who in reversed(learners)]
        at_once(store, other, late, early)
        assert [instants(store, who)[grain] for who in learners] == [NOON] * 10


def test_a_store_may_be_shared_by_threads(store: Store) -> None:
    learners = [somebody() for _ in range(5)]
    with ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit(store.record, [done(who, f"grain-{n}", n % 3) for who in learners])
            for n in range(4)
            for _ in range(4)
        ]
    found = [outcome.status for job in jobs for outcome in job.result()]
    assert found.count(CREATED) == 20
    assert all(len(store.progress(who)) == 4 for who in learners)


def test_a_store_set_up_has_nothing_to_mend(place: Place, store: Store) -> None:
    wrong = [finding for finding in store.check() if not finding.ok]
    assert [finding for finding in wrong if finding.fatal] == []
    if place.name == "postgresql_old":
        assert "progress-unique.sql" in wrong[0].remedy
    elif place.name == "directus_bigint":  # its tables are the administrator's alone
        assert ["administrator's" in finding.message for finding in wrong] == [True]
    else:
        assert wrong == []
