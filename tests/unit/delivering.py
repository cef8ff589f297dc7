"""What the tests of delivery share: a clock of their own, and stores that do as they are told."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.config import DeliverySettings, OutboxSettings
from bridge.delivery.loop import Delivery
from bridge.model import CREATED, Completion, Identity, Outcome
from bridge.outbox.sqlite import SQLiteOutbox
from bridge.stores.memory import MemoryStore
from tests.contract.learners import done

Answer = BaseException | None


class Clock:
    """The time, when nobody waits for it to pass."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class FaultyStore(MemoryStore):
    """A store that raises what it is told.

    Attributes:
        answers: raised (or, None, not) by the next calls of `record`, one each.
        always: raised by every call while it is set.
        bad: grains that make a batch fail with `error`.
        refused: grains that are rejected, as a store does.
        batches: the grains of each call.
        not_erased: what erasing a learner raises; None stands for all the others.
        asked: the learners of each call of `erase`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answers: deque[Answer] = deque()
        self.always: Answer = None
        self.bad: set[str] = set()
        self.error: BaseException = KeyError("secret text")
        self.refused: set[str] = set()
        self.batches: list[list[str]] = []
        self.not_erased: dict[Identity | None, BaseException] = {}
        self.asked: list[Identity] = []

    def erase(self, identity: Identity) -> bool:
        self.asked.append(identity)
        error = self.not_erased.get(identity) or self.not_erased.get(None)
        if error is not None:
            raise error
        return super().erase(identity)

    def record(self, completions: Sequence[Completion]) -> list[Outcome]:
        grains = [completion.grain_id for completion in completions]
        self.batches.append(grains)
        answer = self.answers.popleft() if self.answers else self.always
        if answer is not None:
            raise answer
        if self.bad.intersection(grains):
            raise self.error
        super().record([c for c in completions if c.grain_id not in self.refused])
        return [
            Outcome.rejected("too long") if grain in self.refused else CREATED for grain in grains
        ]

    @property
    def grains(self) -> list[str]:
        """Return the grains that are recorded."""
        return sorted(grain for _, grain in self._rows)


@dataclass
class Bench:
    """An outbox, a store and a deliverer between them, in one thread and without waiting.

    Attributes:
        waits: what the deliverer wanted to wait, step by step.
    """

    path: Path
    settings: DeliverySettings = field(default_factory=DeliverySettings)
    more: dict[str, Any] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = Clock()
        outbox = OutboxSettings(url=f"sqlite:///{self.path}")
        self.outbox = SQLiteOutbox(outbox, store_email=True, clock=self.clock)
        self.store = FaultyStore()
        self.delivery = self.deliverer()

    def deliverer(self, **more: Any) -> Delivery:
        def backoff(failures: int) -> float:
            return min(60.0, 0.5 * 2 ** (failures - 1))

        words = {"name": "test", "clock": self.clock, "backoff": backoff, "spawn": at_once}
        return Delivery(self.outbox, self.store, self.settings, **{**words, **self.more, **more})

    def put(self, *grains: str, who: Identity | None = None) -> None:
        """Put one completion of each grain, of as many learners."""
        learners = (Identity("moodle", number + 1) for number in range(len(grains)))
        self.outbox.put([done(who or next(learners), grain) for grain in grains])

    def step(self, times: int = 1) -> None:
        """Let it do what is due, and the time pass until something is again."""
        for _ in range(times):
            self.waits.append(self.delivery.step())
            self.clock.now += self.waits[-1]

    def go_on(self, seconds: float) -> None:
        """Step until so much time has passed."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.step()

    @property
    def states(self) -> tuple[int, int, int]:
        counts = self.outbox.counts()
        return counts.waiting, counts.leased, counts.dead

    @property
    def dead(self) -> dict[str, str]:
        """Return the reasons of the dead letters, by grain."""
        letters = self.outbox.dead()
        return {x.completion.grain_id: x.reason for x in letters if x.completion}


def at_once(work: Callable[[], None]) -> None:
    """Run the work at once, instead of in a thread."""
    work()


def many(count: int) -> list[str]:
    """So many grains."""
    return [f"g{number:04}" for number in range(count)]
