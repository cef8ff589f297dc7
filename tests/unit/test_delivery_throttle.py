"""Throttle: waits, sizes, and which answers tell something new."""

from __future__ import annotations

import pytest

from bridge.config import DeliverySettings
from bridge.delivery.status import State
from bridge.delivery.throttle import Backoff, Throttle
from bridge.errors import StoreUnavailable

DOWN = StoreUnavailable("down")


@pytest.fixture
def throttle() -> Throttle:
    return Throttle(DeliverySettings(batch=100), lambda failures: float(failures))


@pytest.mark.parametrize(
    ("failures", "most"), [(1, 0.5), (2, 1), (3, 2), (7, 32), (8, 60), (50, 60), (10_000, 60)]
)
def test_waits_are_random_up_to_a_doubling_bound(failures: int, most: float) -> None:
    backoff = Backoff(0.5, 60)
    waits = [backoff(failures) for _ in range(300)]
    assert all(0 <= wait <= most for wait in waits)
    assert max(waits) > most * 0.9
    assert min(waits) < most * 0.1


def test_batches_that_fail_together_count_as_one_failure(throttle: Throttle) -> None:
    one, two, three = throttle.begin(), throttle.begin(), throttle.begin()
    waits = [throttle.unavailable(number, 100, DOWN, 0) for number in (one, three, two)]
    assert waits == [1, 1, 1]
    assert throttle.most(1, 0) == 50


def test_waits_begin_anew_after_a_success(throttle: Throttle) -> None:
    assert [throttle.unavailable(throttle.begin(), 100, DOWN, now) for now in (0, 10, 20)] == [
        1,
        2,
        3,
    ]
    throttle.recorded(throttle.begin())
    assert throttle.unavailable(throttle.begin(), 100, DOWN, 30) == 1


def test_a_batch_older_than_the_trouble_says_nothing(throttle: Throttle) -> None:
    early, late = throttle.begin(), throttle.begin()
    throttle.misconfigured(late, "locked", 0)
    assert throttle.recorded(early) is None
    assert throttle.trouble
    probe = throttle.begin()
    over = throttle.recorded(probe)
    assert over
    assert over.state is State.PAUSED
    assert throttle.trouble is None


def test_no_batch_shortens_a_wait_the_store_asked(
    throttle: Throttle,
) -> None:
    one, two = throttle.begin(), throttle.begin()
    throttle.unavailable(one, 100, DOWN, 0)
    throttle.unavailable(two, 100, StoreUnavailable("429", retry_after=30), 0)
    assert throttle.wait(0) == 30
    assert throttle.most(29.9, 0) == 0
    assert throttle.most(30, 0) == 50
    assert throttle.most(30, 1) == 0


def test_the_trouble_is_as_old_as_its_kind(throttle: Throttle) -> None:
    for now in (0, 10, 20):
        throttle.unavailable(throttle.begin(), 100, DOWN, now)
    assert throttle.trouble
    assert throttle.trouble.since == 0
    throttle.misconfigured(throttle.begin(), "locked", 30)
    assert throttle.trouble.since == 30


def test_the_outboxs_trouble_does_not_hide_the_stores(throttle: Throttle) -> None:
    throttle.misconfigured(throttle.begin(), "locked", 0)
    throttle.outbox_failed("disk full", 1)
    assert throttle.trouble
    assert throttle.trouble.state is State.PAUSED
    throttle.outbox_answered()
    assert throttle.trouble
    throttle.recorded(throttle.begin())
    assert throttle.trouble is None
