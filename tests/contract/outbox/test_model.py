"""Any sequence of calls, compared with a model of the contract that fits on a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from bridge.outbox import ErasureRequest, Leased
from tests.contract.learners import done, somebody
from tests.contract.outbox.conftest import Home, redis_home, sqlite_home

# Sums of STEPS never come near a HOLD: Redis's clock runs on while a test is under way.
STEPS = (700, 3100, 20300)
HOLDS = (1050, 6050, 60050)


@dataclass
class Item:
    """What the model knows of an item. ``until`` is None for one that was never leased."""

    learner: int
    order: int
    attempts: int = 0
    leased: bool = False
    until: float = 0
    dead: str | None = None


@dataclass
class Request:
    """What the model knows of a request for an erasure."""

    attempts: int = 0
    token: str = ""
    until: float = 0


class Model(RuleBasedStateMachine):
    """Two workers on one home. Every answer is what the model says it must be."""

    make_home: Callable[[], Home]

    def __init__(self) -> None:
        super().__init__()
        self.home = self.make_home()
        self.workers = [self.home.open(), self.home.open()]
        self.learners = [somebody(), somebody("moodle")]
        self.items: dict[str, Item] = {}
        self.seen: list[Leased] = []
        self.requests: dict[int, Request] = {}
        self.taken: list[ErasureRequest] = []
        self.now = 0.0
        self.puts = 0

    def still_leased(self, leased: Leased) -> bool:
        item = self.items.get(leased.completion.grain_id)
        return item is not None and item.leased and str(item.attempts) == leased.token

    def is_leased(self, item: Item) -> bool:
        return item.leased and item.until > self.now

    @rule(size=st.integers(1, 4), learner=st.integers(0, 1), worker=st.integers(0, 1))
    def put(self, size: int, learner: int, worker: int) -> None:
        grains = [str(self.puts + number) for number in range(size)]
        self.workers[worker].put([done(self.learners[learner], grain) for grain in grains])
        for grain in grains:
            self.puts += 1
            self.items[grain] = Item(learner, self.puts)

    @rule(most=st.integers(1, 5), seconds=st.sampled_from(HOLDS), worker=st.integers(0, 1))
    def lease(self, most: int, seconds: float, worker: int) -> None:
        asked_for = any(item.learner in self.requests for item in self.items.values())
        due = {
            grain: item
            for grain, item in self.items.items()
            if item.dead is None and item.until <= self.now and item.learner not in self.requests
        }
        again = sum(item.attempts > 0 for item in due.values())
        answer = self.workers[worker].lease(most, seconds)
        grains = [leased.completion.grain_id for leased in answer]
        oldest_first = sorted(due, key=lambda grain: due[grain].order)
        assert len(grains) <= min(most, len(due))
        assert asked_for or len(grains) == min(most, len(due))
        assert grains == [grain for grain in oldest_first if grain in grains]
        if (
            again <= most and not asked_for
        ):  # with more to be leased again, those whose time was up first may come
            assert grains == oldest_first[:most]
        for leased in answer:
            item = self.items[leased.completion.grain_id]
            item.attempts += 1
            item.leased, item.until = True, self.now + seconds
            assert leased.attempts == item.attempts
            assert leased.completion.identity == self.learners[item.learner]
        self.seen += answer
        for learner in self.requests:  # how much of it is forgotten yet is not promised
            self.forget(learner, worker)

    def forget(self, learner: int, worker: int) -> None:
        """Erase all that is free of the learner."""
        self.workers[worker].erase(self.learners[learner])
        for grain, item in list(self.items.items()):
            if item.learner == learner and not self.is_leased(item):
                del self.items[grain]

    @rule(learner=st.integers(0, 1), worker=st.integers(0, 1))
    def request_erasure(self, learner: int, worker: int) -> None:
        self.workers[worker].request_erasure(self.learners[learner])
        request = self.requests.setdefault(learner, Request())
        request.token, request.until = "", 0

    @rule(most=st.integers(1, 2), seconds=st.sampled_from(HOLDS), worker=st.integers(0, 1))
    def lease_erasures(self, most: int, seconds: float, worker: int) -> None:
        due = [learner for learner, r in self.requests.items() if r.until <= self.now]
        answer = self.workers[worker].lease_erasures(most, seconds)
        assert len(answer) == min(most, len(due))
        for leased in answer:
            learner = self.learners.index(leased.identity)
            assert learner in due
            request = self.requests[learner]
            request.attempts += 1
            request.token, request.until = leased.token, self.now + seconds
            assert leased.attempts == request.attempts
        self.taken += answer

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), delay=st.sampled_from((None, 0, *HOLDS)), worker=st.integers(0, 1))
    def settle_erasure(self, data: st.DataObject, delay: float | None, worker: int) -> None:
        leased = data.draw(st.sampled_from(self.taken))
        learner, outbox = self.learners.index(leased.identity), self.workers[worker]
        request = self.requests.get(learner)
        still = request is not None and request.token == leased.token
        if delay is None:
            assert outbox.erasure_done(leased) == still
        else:
            assert outbox.put_off_erasure(leased, delay) == still
        if still and delay is None:
            del self.requests[learner]
        elif still and request and delay is not None:
            request.token, request.until = "", self.now + delay

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), worker=st.integers(0, 1))
    def done(self, data: st.DataObject, worker: int) -> None:
        items = data.draw(st.lists(st.sampled_from(self.seen), max_size=4, unique_by=id))
        still = [item for item in items if self.still_leased(item)]
        assert self.workers[worker].done(items) == len(still)
        for item in still:
            del self.items[item.completion.grain_id]

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), delay=st.sampled_from((0, *HOLDS)), worker=st.integers(0, 1))
    def give_back(self, data: st.DataObject, delay: float, worker: int) -> None:
        items = data.draw(st.lists(st.sampled_from(self.seen), max_size=4, unique_by=id))
        still = [self.items[i.completion.grain_id] for i in items if self.still_leased(i)]
        assert self.workers[worker].give_back(items, delay) == len(still)
        for item in still:
            item.leased, item.until = False, self.now + delay

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), worker=st.integers(0, 1))
    def bury(self, data: st.DataObject, worker: int) -> None:
        leased = data.draw(st.sampled_from(self.seen))
        still = self.still_leased(leased)
        assert self.workers[worker].bury(leased, "bad") == still
        if still:
            item = self.items[leased.completion.grain_id]
            (letter,) = [x for x in self.workers[0].dead() if x.id not in self.letters()]
            item.leased, item.dead = False, letter.id

    def letters(self) -> dict[str, str]:
        return {item.dead: grain for grain, item in self.items.items() if item.dead is not None}

    @precondition(lambda self: self.letters())
    @rule(data=st.data(), replay=st.booleans(), worker=st.integers(0, 1))
    def replay_or_drop(self, data: st.DataObject, replay: bool, worker: int) -> None:
        letters = self.letters()
        chosen = data.draw(st.sampled_from(sorted(letters)))
        outbox = self.workers[worker]
        item = self.items.pop(letters[chosen])
        assert (outbox.replay if replay else outbox.drop)([chosen, "0-0"]) == 1
        if replay:
            self.puts += 1
            self.items[letters[chosen]] = Item(item.learner, self.puts)
            # The model knows items by their grain; to the outbox this is another item now.
            self.seen = [s for s in self.seen if s.completion.grain_id != letters[chosen]]

    @rule(learner=st.integers(0, 1), worker=st.integers(0, 1))
    def erase(self, learner: int, worker: int) -> None:
        theirs = [grain for grain, item in self.items.items() if item.learner == learner]
        still = [grain for grain in theirs if self.is_leased(self.items[grain])]
        answer = self.workers[worker].erase(self.learners[learner])
        assert answer == (len(theirs) - len(still), len(still))
        for grain in set(theirs) - set(still):
            del self.items[grain]

    @rule(old=st.integers(0, 1), new=st.integers(0, 1), worker=st.integers(0, 1))
    def move(self, old: int, new: int, worker: int) -> None:
        theirs = {g: item for g, item in self.items.items() if item.learner == old}
        still = [g for g, item in theirs.items() if self.is_leased(item)]
        letters = [x.completion.grain_id for x in self.workers[worker].dead() if x.completion]
        answer = self.workers[worker].move(self.learners[old], self.learners[new])
        if old == new:
            assert answer == 0
            return
        assert answer == len(still)
        alive = sorted(theirs.keys() - still - set(letters), key=lambda grain: theirs[grain].order)
        moved = [*alive, *(grain for grain in letters if grain in theirs)]
        for grain in moved:
            self.puts += 1
            self.items[grain] = Item(new, self.puts)
        # To the outbox these are other items now.
        self.seen = [s for s in self.seen if s.completion.grain_id not in moved]

    @rule(seconds=st.sampled_from(STEPS))
    def time_passes(self, seconds: float) -> None:
        self.home.go(seconds)
        self.now += seconds

    @invariant()
    def counts_agree(self) -> None:
        counts = self.workers[0].counts()
        alive = [item for item in self.items.values() if item.dead is None]
        leased = sum(self.is_leased(item) for item in alive)
        dead = len(self.items) - len(alive)
        assert (counts.waiting, counts.leased, counts.dead) == (len(alive) - leased, leased, dead)
        assert (counts.oldest is None) == (not alive)
        assert counts.erasures == len(self.requests)
        assert (counts.oldest_erasure is None) == (not self.requests)

    @invariant()
    def dead_letters_agree(self) -> None:
        letters = self.workers[1].dead()
        assert {x.id: x.completion.grain_id for x in letters if x.completion} == self.letters()

    def teardown(self) -> None:
        for outbox in self.home.opened:
            outbox.close()


@pytest.mark.parametrize(("name", "examples"), [("sqlite", 50), ("redis", 30)])
def test_every_sequence_of_calls_keeps_the_contract(
    name: str, examples: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    numbers = iter(range(examples * 1000))

    class Here(Model):
        @staticmethod
        def make_home() -> Home:
            if name == "redis":
                return redis_home(request.getfixturevalue("redis_server").url)
            return sqlite_home(tmp_path / f"{next(numbers)}.db")

    run(
        Here,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
