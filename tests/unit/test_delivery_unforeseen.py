"""What becomes of completions when the store fails in a way that nobody foresaw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.delivery.isolation import RECORDED_FOR_ONE_MORE, SET_ASIDE_AT_ONCE, SUSPECT_DELAY
from bridge.delivery.status import State, overview
from bridge.model import Outcome
from tests.unit.delivering import Bench, many


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "outbox.db")


@pytest.mark.parametrize("place", [0, 1, 249, 250, 499])
def test_a_bad_completion_alone_is_set_aside(bench: Bench, place: int) -> None:
    grains = many(500)
    bench.store.bad = {grains[place]}
    bench.put(*grains)
    bench.step()
    assert list(bench.dead) == [grains[place]]
    assert bench.store.grains == [grain for grain in grains if grain != grains[place]]
    assert bench.states == (0, 0, 1)
    assert len(bench.store.batches) < 25


def test_the_reason_names_error_and_place_alone(bench: Bench) -> None:
    bench.store.bad = {"b"}
    bench.put("a", "b")
    bench.step()
    assert bench.dead["b"].startswith("unexpected: KeyError (delivering.py, line ")
    assert "secret" not in bench.dead["b"]


@pytest.mark.parametrize("count", [1, 2, 10, 100])
def test_when_everything_fails_no_completion_is_blamed(bench: Bench, count: int) -> None:
    bench.put(*many(count))
    bench.store.always = RuntimeError("secret text")
    bench.go_on(600)
    assert bench.states == (count, 0, 0)
    report = bench.delivery.report()
    assert report.state is State.PAUSED
    assert (report.why or "").startswith("every completion fails: unexpected: RuntimeError")
    bench.store.always = None
    bench.go_on(61)
    assert bench.store.grains == many(count)


def test_a_store_that_takes_nothing_is_asked_little(bench: Bench) -> None:
    bench.put(*many(500))
    bench.store.always = RuntimeError()
    bench.step()
    assert len(bench.store.batches) < 60


def test_a_store_breaking_within_a_batch_blames_few(bench: Bench) -> None:
    """The first half is recorded, then everything fails: nothing of the rest is to blame."""
    bench.put(*many(500))
    bench.store.answers.extend([RuntimeError(), None])
    bench.store.always = RuntimeError()
    bench.step()
    assert bench.states == (250, 0, 0)
    bench.store.always = None
    bench.go_on(61)
    assert bench.states == (0, 0, 0)


def test_a_lone_bad_one_is_buried_after_others(bench: Bench) -> None:
    bench.store.bad = {"bad"}
    bench.put("bad")
    bench.go_on(20)
    assert bench.states == (1, 0, 0), "alone it proves nothing"
    for grain in many(10):
        bench.put(grain)
        bench.go_on(5)
    bench.go_on(60)
    assert list(bench.dead) == ["bad"]
    assert bench.store.grains == many(10)
    assert bench.delivery.report().state is State.DELIVERING


def test_many_bad_completions_fill_no_dead_letters(bench: Bench) -> None:
    """Forty of a hundred is a bug of ours: the others are recorded, and these wait for its end."""
    grains = many(100)
    bench.store.bad = set(grains[:40])
    bench.put(*grains)
    bench.go_on(1200)
    assert bench.store.grains == grains[40:]
    assert set(bench.dead) < bench.store.bad
    assert len(bench.dead) <= SET_ASIDE_AT_ONCE
    bench.store.bad = set()
    bench.go_on(SUSPECT_DELAY + 61)
    assert bench.states == (0, 0, len(bench.dead))


def test_every_second_failing_pauses_and_says_so(bench: Bench) -> None:
    grains = many(200)
    bench.store.bad = set(grains[::2])
    bench.put(*grains)
    bench.step()
    assert len(bench.dead) == SET_ASIDE_AT_ONCE
    report = bench.delivery.report()
    assert report.state is State.PAUSED
    assert (report.why or "").startswith("several completions fail: unexpected: KeyError (")
    bench.step()
    assert "bug" in overview(bench.outbox).remedy
    bench.go_on(1200)
    assert set(grains[1::2]) <= set(bench.store.grains)
    bench.store.bad = set()
    bench.go_on(SUSPECT_DELAY + 61)
    assert bench.states == (0, 0, len(bench.dead))
    assert len(bench.dead) <= SET_ASIDE_AT_ONCE + len(grains) / RECORDED_FOR_ONE_MORE


def test_three_failing_after_a_recorded_one_pause(bench: Bench) -> None:
    bench.store.bad = {"b", "c", "d"}
    bench.put("a", "b", "c", "d", "e")
    bench.step()
    assert bench.states == (4, 0, 0)
    assert bench.delivery.report().state is State.PAUSED


def test_what_is_refused_proves_no_neighbour_guilty(bench: Bench) -> None:
    bench.store.refused = {"a"}
    bench.store.bad = {"b"}
    bench.put("a", "b")
    bench.step()
    assert list(bench.dead) == ["a"]
    assert bench.states == (1, 0, 1)


def test_two_deliverers_and_a_restart_blame_nobody(bench: Bench) -> None:
    bench.put(*many(30))
    bench.store.always = KeyError("secret text")
    for deliverer in (bench.delivery, bench.deliverer(), bench.deliverer()):
        for _ in range(300):
            bench.clock.now += deliverer.step()
    assert bench.states == (30, 0, 0)
    bench.store.always = None
    bench.go_on(61)
    assert bench.store.grains == many(30)


def test_too_few_answers_are_an_unforeseen_error(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.put("a", "b")
    record: Callable[..., list[Outcome]] = bench.store.record
    monkeypatch.setattr(bench.store, "record", lambda completions: record(completions)[1:])
    bench.step()
    assert bench.states == (2, 0, 0)
    assert "ValueError" in (bench.delivery.report().why or "")
