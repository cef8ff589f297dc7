"""Delivery with its real threads: several batches at once, and stopping in time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from bridge.config import DeliverySettings, OutboxSettings
from bridge.delivery.loop import Delivery
from bridge.delivery.status import Report, State
from bridge.model import Completion, Identity, Outcome
from bridge.outbox import Outbox
from bridge.outbox.sqlite import SQLiteOutbox
from bridge.stores.memory import MemoryStore
from tests.contract.learners import done, somebody

PATIENCE: Final = 60.0


class GatedStore(MemoryStore):
    """A store that takes its time: every call waits until the gate is open.

    Attributes:
        entered: released once for every call that began.
        together: learners of the calls that are under way.
        met: learners that were in two calls at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.entered = threading.Semaphore(0)
        self.together: Counter[Identity] = Counter()
        self.met: set[Identity] = set()
        self._guard = threading.Lock()

    def record(self, completions: Sequence[Completion]) -> list[Outcome]:
        learners = {completion.identity for completion in completions}
        with self._guard:
            self.together.update(learners)
            self.met |= {learner for learner in learners if self.together[learner] > 1}
        self.entered.release()
        assert self.gate.wait(PATIENCE)
        try:
            return super().record(completions)
        finally:
            with self._guard:
                self.together.subtract(learners)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    outbox = SQLiteOutbox(OutboxSettings(url=f"sqlite:///{tmp_path / 'outbox.db'}"))
    yield outbox
    outbox.close()


@pytest.fixture
def store() -> Iterator[GatedStore]:
    store = GatedStore()
    yield store
    store.gate.set()


def started(outbox: Outbox, store: GatedStore, name: str = "test", **more: float) -> Delivery:
    settings = DeliverySettings(**{"batch": 5, "age": 0.01, **more})
    delivery = Delivery(outbox, store, settings, name=name)
    delivery.start()
    return delivery


def emptied(outbox: Outbox) -> bool:
    """Return whether all is delivered, after some patience."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        counts = outbox.counts()
        if counts.waiting + counts.leased == 0:
            return True
        threading.Event().wait(0.01)
    return False


def test_several_batches_are_under_way_at_once(outbox: Outbox, store: GatedStore) -> None:
    outbox.put([done(somebody(), str(number)) for number in range(40)])
    delivery = started(outbox, store)
    for _ in range(4):
        assert store.entered.acquire(timeout=PATIENCE)
    store.gate.set()
    assert emptied(outbox)
    assert delivery.stop()
    assert delivery.report().delivered == 40


def test_two_batches_never_hold_the_same_learner(outbox: Outbox, store: GatedStore) -> None:
    learners = [somebody() for _ in range(4)]
    outbox.put([done(learners[n % 4], str(n)) for n in range(200)])
    store.gate.set()
    delivery = started(outbox, store)
    assert emptied(outbox)
    delivery.stop()
    assert store.met == set()
    assert all(len(store.progress(learner)) == 50 for learner in learners)


def test_two_deliverers_share_an_outbox(outbox: Outbox, store: GatedStore) -> None:
    outbox.put([done(somebody(), str(number)) for number in range(100)])
    one, two = started(outbox, store, "one"), started(outbox, store, "two")
    for _ in range(8):
        assert store.entered.acquire(timeout=PATIENCE)
    store.gate.set()
    assert emptied(outbox)
    assert one.stop()
    assert two.stop()
    assert one.report().delivered + two.report().delivered == 100
    assert min(one.report().delivered, two.report().delivered) >= 20


def test_stopping_finishes_what_is_under_way(outbox: Outbox, store: GatedStore) -> None:
    outbox.put([done(somebody(), str(number)) for number in range(5)])
    delivery = started(outbox, store)
    assert store.entered.acquire(timeout=PATIENCE)
    ended = threading.Thread(target=delivery.stop)
    ended.start()
    store.gate.set()
    ended.join(PATIENCE)
    assert not delivery.running
    counts = outbox.counts()
    assert (counts.waiting, counts.leased) == (0, 0)


def test_what_is_unfinished_in_time_is_given_back(outbox: Outbox, store: GatedStore) -> None:
    outbox.put([done(somebody(), str(number)) for number in range(5)])
    delivery = started(outbox, store, grace=0.05)
    assert store.entered.acquire(timeout=PATIENCE)
    assert delivery.stop(PATIENCE) is False
    assert not delivery.running
    assert len(outbox.lease(10, 60)) == 5, "at once, not after the lease"


def test_what_waits_for_its_learner_is_given_back(outbox: Outbox, store: GatedStore) -> None:
    learner = somebody()
    outbox.put([done(learner, str(number)) for number in range(8)])
    delivery = started(outbox, store, grace=0.05)
    assert store.entered.acquire(timeout=PATIENCE)
    until_leased = time.monotonic() + PATIENCE
    while outbox.counts().leased < 8 and time.monotonic() < until_leased:
        threading.Event().wait(0.01)
    delivery.stop(PATIENCE)
    assert len(outbox.lease(10, 60)) == 8


def test_nothing_more_is_leased_once_it_is_stopping(outbox: Outbox, store: GatedStore) -> None:
    store.gate.set()
    delivery = started(outbox, store)
    assert delivery.stop(PATIENCE)
    outbox.put([done(somebody())])
    assert not delivery.running
    assert outbox.counts().waiting == 1


def test_the_last_report_says_that_it_is_stopped(outbox: Outbox, store: GatedStore) -> None:
    delivery = started(outbox, store)
    delivery.stop(PATIENCE)
    (note,) = outbox.notes()
    assert Report.from_text(note.text).state is State.STOPPED
