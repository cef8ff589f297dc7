"""Requests for a learner's erasure: one suite on every outbox, as `test_outbox`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.model import Identity
from bridge.outbox import MAX_HOLD_SECONDS, ErasureRequest, Outbox
from tests.contract.learners import done, somebody
from tests.contract.outbox.conftest import Home


def learners(requests: list[ErasureRequest]) -> list[Identity]:
    return [request.identity for request in requests]


def ask(outbox: Outbox) -> Identity:
    who = somebody("funmooc")
    outbox.request_erasure(who)
    return who


def lease_one(outbox: Outbox, seconds: float = 60) -> ErasureRequest:
    (request,) = outbox.lease_erasures(10, seconds)
    return request


def test_nobody_is_to_be_erased_at_first(outbox: Outbox) -> None:
    assert outbox.lease_erasures(10, 60) == []
    counts = outbox.counts()
    assert (counts.erasures, counts.oldest_erasure) == (0, None)


def test_a_request_is_leased_as_asked(outbox: Outbox, other: Outbox) -> None:
    who = ask(outbox)
    request = lease_one(other)
    assert (request.identity, request.attempts) == (who, 1)
    assert abs(request.asked_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_requests_are_leased_first_asked_first(home: Home, outbox: Outbox) -> None:
    asked = set()
    for _ in range(5):
        asked.add(ask(outbox))
        home.go(1)
    found = outbox.lease_erasures(2, 60) + outbox.lease_erasures(10, 60)
    assert [len(found), set(learners(found))] == [5, asked]
    assert [request.asked_at for request in found] == sorted(r.asked_at for r in found)
    assert outbox.lease_erasures(10, 60) == []


def test_the_longest_and_oddest_id_comes_back_whole(outbox: Outbox) -> None:
    who = Identity("funmooc", "a.B-_" * 51)
    outbox.request_erasure(who)
    assert lease_one(outbox).identity == who


def test_asking_twice_is_one_request(home: Home, outbox: Outbox) -> None:
    who = ask(outbox)
    home.go(10)
    outbox.request_erasure(who)
    assert outbox.counts().erasures == 1
    assert outbox.erasure_done(lease_one(outbox))
    assert outbox.counts().erasures == 0


def test_another_origins_same_id_is_another_request(outbox: Outbox) -> None:
    outbox.request_erasure(Identity("moodle", 7))
    outbox.request_erasure(Identity("funmooc", "7"))
    assert len(outbox.lease_erasures(10, 60)) == 2


def test_a_request_that_is_done_is_gone(home: Home, outbox: Outbox) -> None:
    ask(outbox)
    request = lease_one(outbox)
    assert outbox.erasure_done(request)
    assert not outbox.erasure_done(request)
    assert not outbox.put_off_erasure(request, 0)
    home.go(100)
    assert outbox.lease_erasures(10, 60) == []
    assert outbox.counts().erasures == 0


def test_a_request_put_off_waits_for_its_delay(home: Home, outbox: Outbox) -> None:
    ask(outbox)
    assert outbox.put_off_erasure(lease_one(outbox), 30)
    assert outbox.lease_erasures(10, 60) == []
    assert outbox.counts().erasures == 1
    home.go(29)
    assert outbox.lease_erasures(10, 60) == []
    home.go(2)
    assert lease_one(outbox).attempts == 2


def test_a_request_put_off_is_no_longer_leased(outbox: Outbox) -> None:
    ask(outbox)
    request = lease_one(outbox)
    outbox.put_off_erasure(request, 30)
    assert not outbox.erasure_done(request)
    assert not outbox.put_off_erasure(request, 0)
    assert outbox.counts().erasures == 1


def test_an_expired_request_goes_to_the_next(home: Home, outbox: Outbox, other: Outbox) -> None:
    ask(outbox)
    late = lease_one(outbox)
    home.go(61)
    again = lease_one(other)
    assert again.attempts == 2
    assert not outbox.erasure_done(late)
    assert not outbox.put_off_erasure(late, 0)
    assert other.erasure_done(again)


def test_a_late_worker_keeps_a_request_nobody_took(home: Home, outbox: Outbox) -> None:
    ask(outbox)
    late = lease_one(outbox)
    home.go(61)
    assert outbox.erasure_done(late)
    assert outbox.counts().erasures == 0


def test_no_request_is_held_back_over_a_day(home: Home, outbox: Outbox) -> None:
    ask(outbox)
    outbox.put_off_erasure(lease_one(outbox), 100 * MAX_HOLD_SECONDS)
    home.go(MAX_HOLD_SECONDS + 60)
    assert lease_one(outbox, 100 * MAX_HOLD_SECONDS).attempts == 2
    home.go(MAX_HOLD_SECONDS + 60)
    assert lease_one(outbox).attempts == 3


def test_asked_again_during_an_erasure_is_kept(outbox: Outbox) -> None:
    who = ask(outbox)
    request = lease_one(outbox)
    outbox.request_erasure(who)
    assert not outbox.erasure_done(request)
    again = lease_one(outbox)
    assert again.identity == who
    assert not outbox.put_off_erasure(request, 60)
    assert outbox.erasure_done(again)


def test_asked_anew_after_it_was_done_is_kept(home: Home, outbox: Outbox, other: Outbox) -> None:
    who = ask(outbox)
    late = lease_one(outbox)
    home.go(61)
    assert other.erasure_done(lease_one(other))
    other.request_erasure(who)
    assert not outbox.erasure_done(late)
    assert outbox.counts().erasures == 1


def test_counts_tell_since_when_the_first_waits(home: Home, outbox: Outbox) -> None:
    first = ask(outbox)
    ask(outbox)
    outbox.put_off_erasure(outbox.lease_erasures(1, 60)[0], 600)
    outbox.request_erasure(first)
    age = outbox.counts().oldest_erasure
    assert age == pytest.approx(0, abs=60)
    assert outbox.counts().erasures == 2
    assert (outbox.counts().waiting, outbox.counts().oldest) == (0, None)


def test_nothing_of_a_learner_being_erased_is_leased(home: Home, outbox: Outbox) -> None:
    gone, stays = somebody("moodle"), somebody("moodle")
    outbox.put([done(gone, "put back"), done(gone, "before"), done(stays, "first")])
    outbox.give_back(outbox.lease(1, 60), delay=10)
    outbox.request_erasure(gone)
    outbox.put([done(gone, "after"), done(stays, "last")])
    home.go(11)
    items = [item for _ in range(3) for item in outbox.lease(10, 60)]
    assert [item.completion.grain_id for item in items] == ["first", "last"]
    assert outbox.done(items) == 2
    assert outbox.counts().waiting == 0


def test_another_origins_same_id_is_leased(outbox: Outbox) -> None:
    outbox.put([done(Identity("moodle", 7)), done(Identity("funmooc", "77"))])
    outbox.request_erasure(Identity("funmooc", "7"))
    assert len(outbox.lease(10, 60)) == 2


def test_what_is_put_after_the_erasure_is_leased(outbox: Outbox) -> None:
    who = ask(outbox)
    outbox.erasure_done(lease_one(outbox))
    outbox.put([done(who)])
    assert len(outbox.lease(10, 60)) == 1


def test_a_worker_settles_what_it_leased_before(outbox: Outbox) -> None:
    gone = somebody()
    outbox.put([done(gone, grain) for grain in "abcd"])
    one, back, bad, renewed = outbox.lease(10, 60)
    outbox.request_erasure(gone)
    assert outbox.erase(gone).leased == 4
    assert outbox.done([one]) == 1
    assert outbox.give_back([back]) == 1
    assert outbox.bury(bad, "bad")
    assert outbox.renew([renewed], 60) == 1
    assert outbox.erase(gone) == (2, 1)


def test_more_requests_than_a_page_are_all_leased(outbox: Outbox) -> None:
    asked = {ask(outbox) for _ in range(1100)}
    found = [who for _ in range(12) for who in learners(outbox.lease_erasures(100, 600))]
    assert (len(found), set(found)) == (1100, asked)


def test_a_request_survives_the_outbox_being_closed(home: Home) -> None:
    first = home.open()
    who = ask(first)
    first.close()
    assert lease_one(home.open()).identity == who


def test_that_the_learner_was_erased_once_is_remembered(home: Home, outbox: Outbox) -> None:
    who = ask(outbox)
    outbox.put_off_erasure(lease_one(outbox), 0, erased=True)
    request = lease_one(outbox)
    assert request.erased
    outbox.put_off_erasure(request, 0)
    assert lease_one(outbox).erased
    home.go(61)
    assert lease_one(outbox).erased
    outbox.request_erasure(who)
    assert not lease_one(outbox).erased
