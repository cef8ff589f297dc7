"""A base that was emptied or restored gives known keys to other learners: whose is a row then?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bridge import Completion, Identity, Status, StoreUnavailable
from bridge.stores.directus import DirectusStore
from bridge.stores.directus.client import DirectusClient
from tests.contract.learners import done
from tests.integration.own_base import OwnBase

ALICE = Identity("moodle", 2002)
BOB = Identity("moodle", 3003)
CAROL = Identity("funmooc", "carol")

SERVERS = ["directus_pg", "directus_sqlite", "directus_10", "directus_12"]


@pytest.fixture(params=SERVERS)
def base(request: pytest.FixtureRequest) -> Iterator[OwnBase]:
    made = OwnBase(request.getfixturevalue(request.param))
    yield made
    made.close()


def statuses(store: DirectusStore, *completions: Completion) -> list[Status]:
    return [outcome.status for outcome in store.record(completions)]


def test_an_emptied_base_mixes_up_nobody(base: OwnBase) -> None:
    remembering = base.writer()
    remembering.record([done(ALICE, "g1")])
    base.empty()
    base.writer().record([done(BOB, "g1")])
    assert statuses(remembering, done(ALICE, "g2")) == [Status.CREATED]
    assert base.rows() == {("3003", "g1"), ("2002", "g2")}


def test_a_grain_the_other_has_is_not_taken(base: OwnBase) -> None:
    remembering = base.writer()
    remembering.record([done(ALICE, "g1")])
    base.empty()
    base.writer().record([done(BOB, "g1"), done(BOB, "g2", hours=1)])
    assert statuses(remembering, done(ALICE, "g1"), done(ALICE, "g2")) == [Status.CREATED] * 2
    assert base.rows() == {("3003", "g1"), ("3003", "g2"), ("2002", "g1"), ("2002", "g2")}
    (first, second) = base.writer().progress(BOB)
    assert [first, second] == [done(BOB, "g1").progress, done(BOB, "g2", hours=1).progress]


def test_an_earlier_completion_replaces_nobody_elses(base: OwnBase) -> None:
    remembering = base.writer()
    remembering.record([done(ALICE, "g1")])
    base.empty()
    base.writer().record([done(BOB, "g1")])
    base.writer().record([done(ALICE, "g1")])
    assert statuses(remembering, done(ALICE, "g1", hours=-1)) == [Status.MOVED_EARLIER]
    assert base.writer().progress(BOB) == [done(BOB, "g1").progress]
    assert base.writer().progress(ALICE) == [done(ALICE, "g1", hours=-1).progress]


def test_restored_keys_in_another_order_mix_up_nobody(base: OwnBase) -> None:
    remembering = base.writer()
    remembering.record([done(who, "g1") for who in (ALICE, BOB, CAROL)])
    base.empty()
    base.writer().record([done(CAROL, "g1")])
    base.writer().record([done(ALICE, "g1")])
    later = [done(who, "g2") for who in (ALICE, BOB, CAROL)]
    assert statuses(remembering, *later) == [Status.CREATED] * 3
    expected = {(who.external_user_id, "g2") for who in (ALICE, BOB, CAROL)}
    assert base.rows() == expected | {("carol", "g1"), ("2002", "g1")}


def test_reading_and_erasing_find_the_right_one(base: OwnBase) -> None:
    remembering = base.writer()
    remembering.record([done(ALICE, "g1")])
    base.empty()
    base.writer().record([done(BOB, "g1")])
    assert remembering.progress(ALICE) == []
    assert not remembering.erase(ALICE)
    assert base.rows() == {("3003", "g1")}


def test_what_cannot_be_taken_back_is_remembered(
    base: OwnBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembering = base.writer()
    for who in (ALICE, CAROL):
        remembering.record([done(who, "g1")])
    base.empty()
    for who in (BOB, CAROL):  # the newest key is Carol's again, the other is Bob's
        base.writer().record([done(who, "g1")])
    ask, cut = DirectusClient.request, []

    def down_once(self: DirectusClient, method: str, path: str, **more: Any) -> Any:
        if method == "DELETE" and not cut:
            cut.append(path)
            raise StoreUnavailable("cut")
        return ask(self, method, path, **more)

    monkeypatch.setattr(DirectusClient, "request", down_once)
    later = [done(ALICE, "g2"), done(CAROL, "g2")]
    with pytest.raises(StoreUnavailable):
        remembering.record(later)
    assert statuses(remembering, *later) == [Status.CREATED, Status.ALREADY_RECORDED]
    assert base.rows() == {("3003", "g1"), ("carol", "g1"), ("carol", "g2"), ("2002", "g2")}
