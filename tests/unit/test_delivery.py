"""The delivery loop, step by step: what becomes of completions, whatever the store answers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from bridge.config import DeliverySettings
from bridge.delivery.loop import HEARTBEAT_SECONDS
from bridge.delivery.status import Report, State
from bridge.errors import OutboxUnavailable, StoreMisconfigured, StoreUnavailable
from bridge.model import Identity
from bridge.outbox import Leased
from tests.unit.delivering import Bench, many

DOWN = StoreUnavailable("http://store: no connection")
LOCKED = StoreMisconfigured("http://store: the token is not valid (HTTP 401)")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "outbox.db")


def test_what_waits_is_delivered_and_gone(bench: Bench) -> None:
    bench.put("a", "b")
    bench.step()
    assert bench.store.grains == ["a", "b"]
    assert bench.states == (0, 0, 0)


def test_batches_have_their_size_and_follow_at_once(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path / "outbox.db", DeliverySettings(batch=100))
    bench.put(*many(250))
    bench.step()
    assert [len(batch) for batch in bench.store.batches] == [100, 100, 50]
    assert bench.waits == [0.2]


def test_what_came_within_the_age_shares_a_batch(bench: Bench) -> None:
    bench.step()
    bench.put("a")
    bench.put("b")
    bench.step()
    assert bench.store.batches == [["a", "b"]]
    assert bench.waits == [0.2, 0.2]


def test_an_idle_deliverer_reports_however_long_batches_wait(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path / "outbox.db", DeliverySettings(age=600))
    bench.step(3)
    assert max(bench.waits) <= HEARTBEAT_SECONDS


def test_a_refused_completion_is_buried_its_neighbours_delivered(
    bench: Bench,
) -> None:
    bench.store.refused = {"b"}
    bench.put("a", "b", "c")
    bench.step()
    assert bench.store.grains == ["a", "c"]
    assert bench.dead == {"b": "too long"}
    assert bench.states == (0, 0, 1)


# --- unavailable -------------------------------------------------------------------------------


def test_a_store_that_is_down_costs_nothing(bench: Bench) -> None:
    bench.put(*many(10))
    bench.store.always = DOWN
    bench.go_on(3600)
    assert bench.states == (10, 0, 0)
    bench.store.always = None
    bench.go_on(61)
    assert bench.store.grains == many(10)
    assert bench.states == (0, 0, 0)


def test_waits_double_from_half_a_second(bench: Bench) -> None:
    bench.put("a")
    bench.store.always = DOWN
    tried = []
    while len(tried) < 10:
        calls = len(bench.store.batches)
        bench.step()
        if len(bench.store.batches) > calls:
            tried.append(bench.clock.now - bench.waits[-1])
    between = [round(b - a, 1) for a, b in pairwise(tried)]
    expected = [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert all(e <= b <= e + 0.5 for b, e in zip(between, expected, strict=True)), between


def test_the_store_is_asked_no_sooner_than_wanted(bench: Bench) -> None:
    bench.put("a", "b")
    bench.store.answers.append(StoreUnavailable("429", retry_after=30))
    bench.step()
    began = bench.clock.now
    while len(bench.store.batches) == 1:
        bench.step()
    assert 30 <= bench.clock.now - began <= 36
    assert bench.states == (0, 0, 0)


def test_a_retry_after_is_ten_minutes_at_most(bench: Bench) -> None:
    bench.put("a")
    bench.store.answers.append(StoreUnavailable("503", retry_after=604_800))
    bench.go_on(590)
    assert len(bench.store.batches) == 1
    bench.go_on(20)
    assert bench.store.grains == ["a"]


def test_a_failure_makes_batches_smaller_successes_larger_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "outbox.db", DeliverySettings(batch=8))
    bench.put(*many(40))
    bench.store.answers.extend([DOWN, DOWN, DOWN])
    bench.go_on(30)
    assert [len(batch) for batch in bench.store.batches[:6]] == [8, 4, 2, 1, 2, 4]
    assert bench.states == (0, 0, 0)


def test_one_that_always_times_out_delays_no_other(bench: Bench) -> None:
    bench.store.bad = {"g0000"}
    bench.store.error = StoreUnavailable("no answer within 10 s")
    bench.put(*many(30))
    bench.go_on(600)
    assert bench.store.grains == many(30)[1:]
    assert bench.states == (1, 0, 0)


def test_what_keeps_failing_lets_later_completions_pass(bench: Bench) -> None:
    bench.store.bad = {"bad"}
    bench.store.error = StoreUnavailable("no answer within 10 s")
    bench.put("bad")
    bench.go_on(60)
    bench.put(*many(10))
    bench.go_on(61)
    assert bench.store.grains == many(10)
    assert bench.states == (1, 0, 0)


# --- misconfigured -----------------------------------------------------------------------------


def test_a_misconfigured_store_pauses_delivery_and_loses_nothing(bench: Bench) -> None:
    bench.put(*many(50))
    bench.store.always = LOCKED
    bench.go_on(3600)
    assert bench.states == (50, 0, 0)
    assert bench.delivery.report().state is State.PAUSED
    assert "token is not valid" in (bench.delivery.report().why or "")


def test_while_paused_a_small_batch_is_tried_sometimes(bench: Bench) -> None:
    bench.put(*many(50))
    bench.store.always = LOCKED
    bench.go_on(150)
    first, *probes = bench.store.batches
    assert len(first) == 50
    assert {len(probe) for probe in probes} == {10}
    assert 8 <= len(probes) <= 10


def test_what_is_mended_is_found_out_within_seconds(bench: Bench) -> None:
    bench.put(*many(50))
    bench.store.always = LOCKED
    bench.go_on(100)
    bench.store.always = None
    bench.go_on(21)
    assert bench.states == (0, 0, 0)
    assert bench.store.grains == many(50)
    assert bench.delivery.report().state is State.DELIVERING


# --- the outbox --------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OutboxUnavailable("locked"), ValueError("a bug")])
@pytest.mark.parametrize("part", ["lease", "done", "renew"])
def test_an_outbox_failing_for_a_time_loses_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, part: str, error: Exception
) -> None:
    def fail(*_: object) -> list[Leased]:
        raise error

    bench.put("a", "b")
    monkeypatch.setattr(bench.outbox, part, fail)
    bench.go_on(60)
    assert bench.delivery.report().last_error
    monkeypatch.undo()
    bench.go_on(122)
    assert bench.store.grains == ["a", "b"]
    assert bench.states == (0, 0, 0)
    assert bench.delivery.report().state is State.DELIVERING


def test_a_failing_outbox_is_left_alone_ever_longer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def lease(*_: object) -> list[Leased]:
        asked.append(bench.clock.now)
        raise OutboxUnavailable("down")

    monkeypatch.setattr(bench.outbox, "lease", lease)
    bench.go_on(600)
    assert len(asked) <= 17


# --- leases ------------------------------------------------------------------------------------


def test_the_lease_of_a_slow_batch_is_renewed(bench: Bench) -> None:
    works: list[Callable[[], None]] = []
    bench.delivery = bench.deliverer(spawn=works.append)
    bench.put("a")
    bench.go_on(600)
    assert len(works) == 1
    assert bench.outbox.lease(10, 60) == []
    works[0]()
    assert bench.store.grains == ["a"]
    assert bench.states == (0, 0, 0)


def test_what_a_killed_deliverer_leased_the_next_delivers(bench: Bench) -> None:
    bench.put("a")
    bench.delivery = bench.deliverer(spawn=lambda work: None)
    bench.step()
    bench.delivery = bench.deliverer()
    bench.step()
    assert bench.store.grains == []
    bench.go_on(61)
    assert bench.store.grains == ["a"]
    assert bench.states == (0, 0, 0)


def test_one_that_comes_back_late_acknowledges_nothing(bench: Bench) -> None:
    works: list[Callable[[], None]] = []
    bench.put("a")
    late = bench.deliverer(spawn=works.append)
    late.step()
    bench.clock.now += 61
    (again,) = bench.outbox.lease(1, 60)
    works[0]()
    assert bench.outbox.done([again]) == 1


def test_no_more_threads_is_a_trouble_like_another(bench: Bench) -> None:
    threads = iter([False, True])

    def spawn(work: Callable[[], None]) -> None:
        if not next(threads):
            raise RuntimeError("can't start new thread")
        work()

    bench.put("a")
    bench.delivery = bench.deliverer(spawn=spawn)
    bench.go_on(10)
    assert "RuntimeError" in (bench.delivery.report().last_error or "")
    bench.go_on(61)
    assert bench.store.grains == ["a"]


# --- several batches ---------------------------------------------------------------------------


def test_no_more_batches_are_under_way_than_connections(tmp_path: Path) -> None:
    works: list[Callable[[], None]] = []
    settings = DeliverySettings(batch=10, connections=3)
    bench = Bench(tmp_path / "outbox.db", settings, {"spawn": works.append})
    bench.put(*many(100))
    bench.step(5)
    assert len(works) == 3
    works.pop()()
    bench.step()
    assert len(works) == 3


def test_a_learner_is_never_in_two_batches(tmp_path: Path) -> None:
    works: list[Callable[[], None]] = []
    settings = DeliverySettings(batch=4, connections=4)
    bench = Bench(tmp_path / "outbox.db", settings, {"spawn": works.append})
    busy, other = Identity("moodle", 1), Identity("moodle", 2)
    bench.put("a1", "a2", "a3", "a4", "a5", who=busy)
    bench.put("b1", who=other)
    bench.step(3)
    for work in works[:]:
        work()
    assert bench.store.batches == [["a1", "a2", "a3", "a4"], ["b1"]]
    bench.step()
    works[-1]()
    assert bench.store.batches[2:] == [["a5"]]
    assert bench.states == (0, 0, 0)


def test_after_a_failure_single_batches_find_out(tmp_path: Path) -> None:
    works: list[Callable[[], None]] = []
    bench = Bench(tmp_path / "outbox.db", DeliverySettings(batch=10), {"spawn": works.append})
    bench.put(*many(100))
    bench.step()
    assert len(works) == 4
    bench.store.always = DOWN
    for work in works[:]:
        work()
    works.clear()
    bench.go_on(10)
    assert len(works) == 1
    bench.store.always = None
    works[0]()
    bench.step()
    assert len(works) == 5, "one that succeeded lets the others go again"


# --- what it tells -----------------------------------------------------------------------------


def told(bench: Bench) -> Report:
    (note,) = bench.outbox.notes()
    return Report.from_text(note.text)


def test_other_processes_can_read_why_it_is_paused(bench: Bench) -> None:
    bench.put("a")
    bench.store.always = LOCKED
    bench.go_on(30)
    report = told(bench)
    assert report.state is State.PAUSED
    assert "HTTP 401" in (report.why or "")
    assert 20 <= report.seconds <= 30
    assert report.next_try is not None


def test_other_processes_can_read_how_fast_it_goes(bench: Bench) -> None:
    bench.put(*many(300))
    bench.go_on(30)
    report = told(bench)
    assert (report.state, report.delivered) == (State.DELIVERING, 300)
    assert 10 <= report.rate <= 12.1
    bench.go_on(61)
    assert told(bench).rate == 0


def test_the_last_error_outlives_the_trouble(bench: Bench) -> None:
    bench.put("a")
    bench.store.answers.append(DOWN)
    bench.go_on(60)
    report = told(bench)
    assert (report.state, report.why) == (State.DELIVERING, None)
    assert report.last_error == str(DOWN)
    assert 40 <= report.last_error_seconds <= 61
