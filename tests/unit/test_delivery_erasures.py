"""Erasures that were asked for, step by step: carried out whatever the store answers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from bridge.delivery.status import Report, State, overview
from bridge.errors import OutboxUnavailable, StoreMisconfigured, StoreUnavailable
from bridge.facade import Bridge
from bridge.model import Identity
from bridge.outbox import ErasureRequest
from tests.contract.learners import done
from tests.unit.delivering import Bench

DOWN = StoreUnavailable("http://store: no connection")
LOCKED = StoreMisconfigured("http://store: the right to delete is missing (HTTP 403)")
GONE = Identity("funmooc", "0123456789abcdef0123456789abcdef")
OTHER = Identity("moodle", 2)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "outbox.db")


def ask(bench: Bench, *learners: Identity) -> None:
    bridge = Bridge(bench.store, bench.outbox)
    for learner in learners or (GONE,):
        bridge.request_erasure(learner.origin, learner.external_user_id)


def erasures(bench: Bench) -> int:
    return bench.outbox.counts().erasures


def others(count: int) -> list[Identity]:
    return [Identity("moodle", 100 + number) for number in range(count)]


def told(bench: Bench) -> Report:
    (note,) = bench.outbox.notes()
    return Report.from_text(note.text)


def test_who_is_to_be_erased_is(bench: Bench) -> None:
    bench.put("a", who=GONE)
    bench.put("b", who=OTHER)
    bench.step()
    bench.put("waits", who=GONE)
    ask(bench)
    bench.go_on(1)
    assert bench.store.grains == ["b"]
    assert bench.store.export(GONE) is None
    bench.go_on(130)
    assert bench.store.asked == [GONE, GONE]
    assert erasures(bench) == 0


def test_more_than_one_lease_of_erasures_goes_through(bench: Bench) -> None:
    ask(bench, *others(35))
    bench.step(4)
    assert bench.store.asked == others(35)
    bench.go_on(130)
    assert erasures(bench) == 0


def test_what_comes_after_the_request_is_erased_before(bench: Bench) -> None:
    ask(bench)
    bench.put("late", who=GONE)
    bench.put("b", who=OTHER)
    bench.go_on(5)
    assert bench.store.grains == ["b"]
    assert bench.states == (0, 0, 0)


def test_what_comes_after_the_erasure_is_recorded(bench: Bench) -> None:
    ask(bench)
    bench.go_on(130)
    bench.put("new", who=GONE)
    bench.go_on(130)
    assert bench.store.grains == ["new"]


def test_what_reaches_the_store_late_is_erased_too(bench: Bench) -> None:
    """As a deliverer does that stood still for longer than its leases, or a time-out's request."""
    works: list[Callable[[], None]] = []
    bench.put("late", who=GONE)
    bench.deliverer(name="frozen", spawn=works.append).step()
    ask(bench)
    bench.go_on(63)
    assert bench.store.asked == [GONE]
    works[0]()
    assert bench.store.grains == ["late"]
    bench.go_on(120)
    assert bench.store.grains == []
    assert erasures(bench) == 1, "it is looked once more, for something had come"
    bench.go_on(125)
    assert bench.store.asked == [GONE, GONE, GONE]
    assert erasures(bench) == 0


def test_an_outbox_without_requests_is_asked_every_second(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    lease = bench.outbox.lease_erasures

    def count(most: int, seconds: float) -> list[ErasureRequest]:
        asked.append(bench.clock.now)
        return lease(most, seconds)

    monkeypatch.setattr(bench.outbox, "lease_erasures", count)
    bench.go_on(30)
    assert 25 <= len(asked) <= 31


# --- what others hold --------------------------------------------------------------------------


def test_what_another_deliverer_holds_is_waited_for(bench: Bench) -> None:
    works: list[Callable[[], None]] = []
    bench.put("a", who=GONE)
    other = bench.deliverer(name="other", spawn=works.append)
    other.step()
    ask(bench)
    bench.go_on(20)
    assert bench.store.asked == []
    works[0]()
    bench.go_on(2)
    assert bench.store.asked == [GONE]
    assert bench.store.grains == []


def test_what_another_gives_back_is_never_recorded(bench: Bench) -> None:
    works: list[Callable[[], None]] = []
    bench.put("a", who=GONE)
    other = bench.deliverer(name="other", spawn=works.append)
    other.step()
    ask(bench)
    bench.store.answers.append(DOWN)
    works[0]()
    bench.go_on(5)
    assert (bench.store.grains, bench.store.asked) == ([], [GONE])
    assert bench.states == (0, 0, 0)


def test_what_a_killed_deliverer_held_is_waited_for(bench: Bench) -> None:
    bench.put("a", who=GONE)
    bench.deliverer(name="killed", spawn=lambda work: None).step()
    ask(bench)
    bench.go_on(50)
    assert bench.store.asked == []
    bench.go_on(15)
    assert bench.store.asked == [GONE]
    assert bench.states == (0, 0, 0)


def test_what_it_holds_itself_is_waited_for(bench: Bench) -> None:
    works: list[Callable[[], None]] = []
    bench.delivery = bench.deliverer(spawn=works.append)
    bench.put("a", who=GONE)
    bench.step()
    ask(bench)
    bench.go_on(2)
    for work in reversed(works[:]):  # the erasure first
        work()
    assert bench.store.asked == []
    bench.go_on(2)
    works[-1]()
    assert bench.store.asked == [GONE]
    assert bench.store.grains == []


def test_asked_again_during_an_erasure_erases_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase = bench.store.erase

    def erase_and_ask(identity: Identity) -> bool:
        found = erase(identity)
        if len(bench.store.asked) == 1:
            bench.store.record([done(GONE, "meanwhile")])
            ask(bench)
        return found

    monkeypatch.setattr(bench.store, "erase", erase_and_ask)
    ask(bench)
    bench.go_on(3)
    assert bench.store.asked == [GONE, GONE]
    assert bench.store.grains == []


@pytest.mark.parametrize("erased", [False, True])
def test_what_a_killed_deliverer_began_the_next_ends(bench: Bench, erased: bool) -> None:
    """Killed before the learner was erased, or between that and the acknowledgement."""
    bench.store.record([done(GONE)])
    ask(bench)
    (request,) = bench.outbox.lease_erasures(1, 60)
    if erased:
        bench.store.erase(GONE)
        bench.put("late", who=GONE)
    bench.go_on(50)
    assert erasures(bench) == 1
    bench.go_on(15)
    assert bench.store.export(GONE) is None
    assert bench.store.grains == []
    bench.go_on(130)
    assert erasures(bench) == 0
    assert not bench.outbox.erasure_done(request)


# --- a store that does not ---------------------------------------------------------------------


def test_an_erasure_outlives_the_stores_outage(bench: Bench) -> None:
    bench.store.record([done(GONE, "a"), done(OTHER, "b")])
    bench.put("waits", who=GONE)
    ask(bench)
    bench.store.not_erased = {None: DOWN}
    bench.store.always = DOWN
    bench.go_on(3600)
    assert erasures(bench) == 1
    assert len(bench.store.asked) < 80
    found = overview(bench.outbox)
    assert (found.state, "no connection" in found.why) == (State.RETRYING, True)
    bench.store.not_erased, bench.store.always = {}, None
    bench.go_on(190)
    assert erasures(bench) == 0
    assert bench.store.grains == ["b"]
    assert overview(bench.outbox).state is State.IDLE


def test_while_the_store_is_down_single_erasures_try(bench: Bench) -> None:
    bench.store.not_erased = {None: DOWN}
    ask(bench, *others(10))
    bench.go_on(600)
    assert sum(leased.attempts for leased in bench.outbox.lease_erasures(10, 60)) <= 50
    bench.clock.now += 61
    bench.store.not_erased = {}
    bench.go_on(61)
    assert set(bench.store.asked[-10:]) == set(others(10))


def test_the_waits_between_erasures_grow_to_a_minute(bench: Bench) -> None:
    bench.store.not_erased = {None: DOWN}
    ask(bench)
    tried = []
    while len(tried) < 10:
        calls = len(bench.store.asked)
        bench.step()
        if len(bench.store.asked) > calls:
            tried.append(bench.clock.now - bench.waits[-1])
    between = [b - a for a, b in pairwise(tried)]
    expected = [1, 1, 2, 4, 8, 16, 32, 60, 60]
    assert all(e <= b <= e + 1.7 for b, e in zip(between, expected, strict=True)), between


def test_a_retry_after_stops_erasures_and_completions(bench: Bench) -> None:
    bench.store.not_erased = {None: StoreUnavailable("429", retry_after=30)}
    ask(bench)
    bench.step()
    assert len(bench.store.asked) == 1
    bench.store.not_erased = {}
    bench.put("a", who=OTHER)
    bench.go_on(20)
    assert (len(bench.store.asked), bench.store.batches) == (1, [])
    bench.go_on(20)
    assert (len(bench.store.asked), bench.store.batches) == (2, [["a"]])


def test_while_completions_back_off_no_erasure_is_tried(bench: Bench) -> None:
    bench.store.answers.append(StoreUnavailable("503", retry_after=30))
    bench.put("a", who=OTHER)
    bench.step()
    ask(bench)
    bench.go_on(20)
    assert bench.store.asked == []
    bench.go_on(20)
    assert bench.store.asked == [GONE]


def test_a_missing_right_to_delete_delays_no_completion(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.store.not_erased = {None: LOCKED}
    ask(bench)
    with caplog.at_level(logging.INFO):
        for number in range(60):
            bench.put(f"g{number}", who=OTHER)
            bench.go_on(5)
    assert len(bench.store.grains) == 60
    assert 5 <= len(bench.store.asked) <= 21
    assert (told(bench).state, told(bench).erasing) == (State.DELIVERING, State.PAUSED)
    found = overview(bench.outbox)
    assert (found.state, "HTTP 403" in found.why) == (State.PAUSED, True)
    assert "progress-bridge check" in found.remedy
    assert 4 <= sum("erasures_paused" in line for line in caplog.messages) <= 6
    bench.store.not_erased = {}
    bench.go_on(61)
    assert told(bench).erasing is State.DELIVERING
    bench.go_on(130)
    assert erasures(bench) == 0
    assert overview(bench.outbox).state is State.IDLE


def test_an_unforeseen_error_costs_no_other_learner(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.store.not_erased = {GONE: KeyError(f"secret {GONE.external_user_id}")}
    ask(bench, GONE, *others(15))
    bench.put("a", who=OTHER)
    with caplog.at_level(logging.DEBUG):
        bench.go_on(5)
        assert set(bench.store.asked) == {GONE, *others(15)}
        assert bench.store.grains == ["a"]
        bench.go_on(3600)
    assert erasures(bench) == 1
    assert 60 <= bench.store.asked.count(GONE) <= 75
    said = told(bench).last_error or ""
    assert said.startswith("erasing a learner: unexpected: KeyError (delivering.py, line ")
    assert "secret" not in caplog.text
    assert GONE.external_user_id not in caplog.text
    assert "funmooc:01234567…" in caplog.text
    bench.store.not_erased = {}
    bench.go_on(190)
    assert erasures(bench) == 0


def test_unforeseen_errors_in_a_row_pause_erasures(bench: Bench) -> None:
    learners = [Identity("moodle", number + 1) for number in range(5)]
    bench.store.not_erased[None] = KeyError("secret text")
    for learner in learners:
        bench.outbox.request_erasure(learner)
    bench.go_on(600)
    report = bench.delivery.report()
    assert report.erasing is State.PAUSED
    assert (report.erasing_why or "").startswith("unexpected: KeyError (delivering.py, line ")
    assert bench.outbox.counts().erasures == 5
    bench.store.not_erased.clear()
    bench.go_on(300)
    assert bench.outbox.counts().erasures == 0


def test_a_learner_always_timing_out_delays_no_other(bench: Bench) -> None:
    bench.store.not_erased = {GONE: StoreUnavailable("no answer within 10 s")}
    ask(bench, GONE, *others(15))
    bench.go_on(600)
    assert erasures(bench) == 1
    assert set(others(15)) < set(bench.store.asked)


# --- an outbox that does not -------------------------------------------------------------------


@pytest.mark.parametrize("error", [OutboxUnavailable("locked"), ValueError("a bug")])
@pytest.mark.parametrize("part", ["lease_erasures", "erase", "erasure_done", "put_off_erasure"])
def test_an_outbox_failing_for_a_time_keeps_requests(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, part: str, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    bench.store.record([done(GONE)])
    bench.outbox.request_erasure(GONE)
    monkeypatch.setattr(bench.outbox, part, fail)
    bench.store.not_erased = {None: DOWN} if part == "put_off_erasure" else {}
    with suppress(OutboxUnavailable):
        bench.go_on(150)
    assert told(bench).last_error
    assert erasures(bench) == 1
    monkeypatch.undo()
    bench.store.not_erased = {}
    bench.go_on(400)
    assert erasures(bench) == 0
    assert bench.store.export(GONE) is None


def test_no_more_threads_loses_no_request(bench: Bench) -> None:
    threads = iter([False])

    def spawn(work: Callable[[], None]) -> None:
        if not next(threads, True):
            raise RuntimeError("can't start new thread")
        work()

    ask(bench)
    bench.delivery = bench.deliverer(spawn=spawn)
    bench.go_on(260)
    assert erasures(bench) == 0


# --- stopping ----------------------------------------------------------------------------------


def test_stopping_ends_after_the_erasure_under_way(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase = bench.store.erase

    def erase_and_stop(identity: Identity) -> bool:
        bench.delivery._erasures.stop()
        return erase(identity)

    monkeypatch.setattr(bench.store, "erase", erase_and_stop)
    ask(bench, *others(5))
    bench.step()
    assert len(bench.store.asked) == 1
    bench.delivery = bench.deliverer(name="next")
    monkeypatch.undo()
    bench.step()
    assert len(bench.store.asked) == 5


def test_a_clock_that_jumps_brings_no_early_end(bench: Bench) -> None:
    """What was given up on comes late; by the clock of the outbox the last look is due at once."""
    ask(bench)
    bench.go_on(1)
    bench.outbox._clock = lambda: bench.clock() + 3600
    bench.go_on(5)
    assert erasures(bench) == 1
    bench.store.record([done(GONE, "late")])
    bench.outbox._clock = bench.clock
    bench.go_on(3600 + 300)
    assert bench.store.export(GONE) is None
    assert erasures(bench) == 0
