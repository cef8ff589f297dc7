"""Pace: waits, sizes, and which answers tell something new."""

from __future__ import annotations

import pytest

from bridge.config import DeliverySettings
from bridge.delivery.status import State
from bridge.delivery.throttle import Backoff, Pace
from bridge.errors import StoreUnavailable

DOWN = StoreUnavailable("down")


@pytest.fixture
def pace() -> Pace:
    return Pace(DeliverySettings(batch=100), lambda failures: float(failures))


@pytest.mark.parametrize(
    ("failures", "most"), [(1, 0.5), (2, 1), (3, 2), (7, 32), (8, 60), (50, 60), (10_000, 60)]
)
def test_waits_are_anywhere_up_to_twice_the_last_bound(failures: int, most: float) -> None:
    backoff = Backoff(0.5, 60)
    waits = [backoff(failures) for _ in range(300)]
    assert all(0 <= wait <= most for wait in waits)
    assert max(waits) > most * 0.9
    assert min(waits) < most * 0.1


def test_batches_that_fail_together_count_as_one_failure(pace: Pace) -> None:
    one, two, three = pace.begin(), pace.begin(), pace.begin()
    waits = [pace.unavailable(number, 100, DOWN, 0) for number in (one, three, two)]
    assert waits == [1, 1, 1]
    assert pace.most(1, 0) == 50


def test_waits_begin_anew_after_a_success(pace: Pace) -> None:
    assert [pace.unavailable(pace.begin(), 100, DOWN, now) for now in (0, 10, 20)] == [1, 2, 3]
    pace.recorded(pace.begin())
    assert pace.unavailable(pace.begin(), 100, DOWN, 30) == 1


def test_a_batch_that_began_before_the_trouble_does_not_end_it(pace: Pace) -> None:
    early, late = pace.begin(), pace.begin()
    pace.misconfigured(late, "locked", 0)
    assert pace.recorded(early) is None
    assert pace.trouble
    probe = pace.begin()
    over = pace.recorded(probe)
    assert over
    assert over.state is State.PAUSED
    assert pace.trouble is None


def test_a_wait_that_the_store_asked_for_is_not_cut_short_by_another_batch(pace: Pace) -> None:
    one, two = pace.begin(), pace.begin()
    pace.unavailable(one, 100, DOWN, 0)
    pace.unavailable(two, 100, StoreUnavailable("429", retry_after=30), 0)
    assert pace.wait(0) == 30
    assert pace.most(29.9, 0) == 0
    assert pace.most(30, 0) == 50
    assert pace.most(30, 1) == 0


def test_the_trouble_is_as_old_as_its_kind(pace: Pace) -> None:
    for now in (0, 10, 20):
        pace.unavailable(pace.begin(), 100, DOWN, now)
    assert pace.trouble
    assert pace.trouble.since == 0
    pace.misconfigured(pace.begin(), "locked", 30)
    assert pace.trouble.since == 30


def test_a_trouble_of_the_outbox_does_not_hide_one_of_the_store(pace: Pace) -> None:
    pace.misconfigured(pace.begin(), "locked", 0)
    pace.outbox_failed("disk full", 1)
    assert pace.trouble
    assert pace.trouble.state is State.PAUSED
    pace.outbox_answered()
    assert pace.trouble
    pace.recorded(pace.begin())
    assert pace.trouble is None
