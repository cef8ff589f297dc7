"""One campaign: producers, deliverers and servers at work while faults strike, then the judge."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

from bridge.config import Settings
from bridge.errors import OutboxUnavailable
from bridge.model import Completion, Identity, Origin
from bridge.outbox import Outbox, open_outbox
from tests.faults import ledger
from tests.faults.bed import Bed
from tests.faults.children import Child, Deliverer, Memory, Producer
from tests.faults.faults import DISK_FULL, FAULTS, Field, possible_here
from tests.faults.producer import WRITERS, ledger_path
from tests.faults.report import Report, Survival
from tests.faults.schedule import Event, schedule
from tests.faults.verdict import Found, Put, judge
from tests.faults.workload import Workload, instant_of
from tests.servers.process import ServerError
from tests.servers.small_disk import why_no_mount

PRODUCERS: Final = 2
DELIVERERS: Final = 2

_WARM: Final = 0.1
"""The share of the work that is done before the first fault."""
_SLOT: Final = 3.0
"""Seconds over which the work of a slot is spread: about as long as a fault takes."""
_BACK_WITHIN: Final = 90.0
_DRAINED_WITHIN: Final = 300.0
_POLL: Final = 0.05
_CANARIES: Final = 45_000_000
"""Numbers of canaries begin here, far beyond those of the producers' completions."""
_LEAVERS: Final = 47_000_000
"""Numbers of learners who are erased begin here."""
_KEPT: Final = 8
"""Completions of each of them, put before the erasure is asked for."""


@dataclass(frozen=True)
class Plan:
    """What is asked of a campaign.

    Attributes:
        seed: what all chance comes from.
        outbox: ``sqlite`` or ``redis``.
        count: completions.
        faults: how many strike.
        refused_every: one completion in so many is one that the base refuses.
        only: the kinds of faults that strike, of `FAULTS`.
    """

    seed: int
    outbox: str
    count: int
    faults: int
    refused_every: int = 1000
    only: Collection[str] = tuple(FAULTS)


class Campaign:
    """Runs a plan once.

    Args:
        plan: what to do.
        say: told what is going on, a line at a time.
    """

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._say = say
        self._workload = Workload(
            plan.seed, plan.count, PRODUCERS * WRITERS, refused_every=plan.refused_every
        )
        self._canaries: list[Put] = []
        self._leavers: list[Identity] = []
        self._lock = threading.Lock()
        self.report = Report(plan.seed, plan.outbox, plan.count)

    def run(self) -> Report:
        """Run the campaign, from the start of the servers to the verdict."""
        began = time.monotonic()
        self._say(f"seed {self._plan.seed}: the servers start")
        with ExitStack() as stack:
            self._bed = stack.enter_context(Bed(self._plan.outbox))
            self._outbox = self._open()
            stack.enter_context(closing(self._outbox))
            self._producers = [Producer(self._bed, self._workload, i) for i in range(PRODUCERS)]
            self._deliverers = [Deliverer(self._bed, i) for i in range(DELIVERERS)]
            for child in self._children:
                stack.callback(child.kill)
            self._strive()
            found = self._found()
            self._check_leavers(found)
            given_up = self._bed.restores.lost
            self.report.verdict = judge(list(self._puts()), found, given_up)
        self.report.seconds = time.monotonic() - began
        return self.report

    @property
    def _children(self) -> Sequence[Child]:
        return [*self._producers, *self._deliverers]

    def _open(self) -> Outbox:
        outbox = open_outbox(Settings.load(self._bed.config))
        assert outbox is not None
        return outbox

    def _strive(self) -> None:
        """Let the processes work and the faults strike, until all is put and delivered."""
        steady, *victims = self._deliverers
        field = Field(self._bed, list(self._producers), list(victims), steady, self._put_canary)
        self._heal()
        self._allow(_WARM)
        self._await_canary()
        memory = Memory(steady)
        memory.watch()
        plan = self._plan
        here = [name for name in possible_here() if name in plan.only]
        if DISK_FULL in plan.only and DISK_FULL not in here:
            self._say(f"without the fault “{DISK_FULL}”: {why_no_mount()}")
        slots = schedule(plan.seed, plan.outbox, plan.faults, here)
        for number, slot in enumerate(slots, start=1):
            shares = [_WARM + (1 - _WARM) * n / len(slots) for n in (number - 1, number)]
            with self._feeding(*shares):
                self._strike(field, slot)
            self._recover(slot, f"{number}/{len(slots)}")
        self._finish()
        memory.end()
        self._check_memory(memory)
        for deliverer in self._deliverers:
            deliverer.stop()
        for child in self._children:
            self.report.complaints += child.complaints

    def _heal(self) -> None:
        """Start every process of the bridge that is not there."""
        for child in self._children:
            child.start()

    def _allow(self, share: float) -> None:
        for producer in self._producers:
            producer.allow(int(self._workload.share * share))

    @contextmanager
    def _feeding(self, done: float, share: float) -> Iterator[None]:
        """Let the producers put little by little, so that a fault finds work under way."""
        over = threading.Event()

        def feed() -> None:
            began = time.monotonic()
            while not over.wait(_POLL):
                part = min(1.0, (time.monotonic() - began) / _SLOT)
                self._allow(done + (share - done) * part)

        thread = threading.Thread(target=feed, name="feed")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._allow(share)

    def _strike(self, field: Field, slot: Sequence[Event]) -> None:
        """Let the faults of one slot strike together, to their end, while a learner leaves."""
        threads = [threading.Thread(target=self._one, args=(field, event)) for event in slot]
        threads.append(threading.Thread(target=self._leave))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._heal()

    def _recover(self, slot: Sequence[Event], where: str) -> None:
        """See that delivery goes on, and note how long it took."""
        names = " + ".join(event.name for event in slot)
        back = self._await_canary()
        for event in slot:
            survival = self.report.survivals.setdefault(event.name, Survival())
            survival.times += 1
            if back is None:
                survival.stuck += 1
            else:
                survival.back.append(back)
        after = "not delivering again" if back is None else f"delivering again after {back:.1f} s"
        self._say(f"{where} {names}: {after}")

    def _one(self, field: Field, event: Event) -> None:
        time.sleep(event.wait)
        try:
            FAULTS[event.name].strike(field, Random(event.seed))
        except (ServerError, OSError, TimeoutError) as error:
            self.report.complaints.append(f"{event.name}: the campaign itself failed: {error}")

    def _await_canary(self) -> float | None:
        """Put one completion, and return the seconds until its row is there, None if never."""
        began = time.monotonic()
        canary = self._put_canary()
        while not self._bed.holds(canary.identity.external_user_id, canary.grain_id):
            if time.monotonic() - began > _BACK_WITHIN:
                self.report.complaints.append(
                    f"nothing is delivered within {_BACK_WITHIN:.0f} s; {self._outbox.counts()}"
                )
                return None
            time.sleep(_POLL)
        return time.monotonic() - began

    def _put_canary(self) -> Completion:
        """Put a completion of a learner of its own, however often it takes."""
        with self._lock:
            number = _CANARIES + len(self._canaries)
            learner = Identity(Origin.MOODLE, number)
            completion = Completion(learner, "canary", completed_at=instant_of(number))
            put = Put([completion], accepted=False, tries=0)
            self._canaries.append(put)
        while not put.accepted:
            put.tries += 1
            try:
                self._outbox.put([completion])
            except OutboxUnavailable:
                time.sleep(_POLL)
            else:
                put.accepted = True
        return completion

    def _leave(self) -> None:
        """Put completions of a new learner, and ask for their erasure while they are under way."""
        leaver = Identity(Origin.MOODLE, _LEAVERS + len(self._leavers))
        self._leavers.append(leaver)
        for grain in range(_KEPT):
            completion = Completion(leaver, f"grain-{grain}", completed_at=instant_of(grain))
            self._insist(lambda kept=completion: self._outbox.put([kept]))
            time.sleep(_POLL)
        self._insist(lambda: self._outbox.request_erasure(leaver))
        self._insist(lambda: self._outbox.erase(leaver))

    def _insist(self, ask: Callable[[], object]) -> None:
        """Ask the outbox until it answers."""
        while True:
            try:
                ask()
            except OutboxUnavailable:
                time.sleep(_POLL)
            else:
                return

    def _check_leavers(self, found: Found) -> None:
        """See that nothing is left of those who were erased."""
        left = {(str(who.origin), who.external_user_id) for who in self._leavers}
        self.report.erased = len(left)
        left -= self._bed.restores.returned  # by the owner's dump: they have to be erased anew
        for who in [*found.learners, *(row[:2] for row in found.rows)]:
            if who in left:
                self.report.complaints.append(f"learner {who} was erased, and is there")

    def _finish(self) -> None:
        """Wait until all is put, the outbox is empty, and all who are to be are erased."""
        self._say("the faults are over: the rest is put and delivered")
        self._heal()
        self._allow(1.0)
        for producer in self._producers:
            producer.finish(_DRAINED_WITHIN)
        deadline = time.monotonic() + _DRAINED_WITHIN
        while (counts := self._outbox.counts()).waiting or counts.leased or counts.erasures:
            if time.monotonic() > deadline:
                self.report.complaints.append(f"the outbox does not become empty: {counts}")
                return
            time.sleep(_POLL)

    def _check_memory(self, memory: Memory) -> None:
        self.report.memory = before, after = memory.before_and_after
        if not memory.flat:
            self.report.complaints.append(f"a deliverer grew from {before:.0f} to {after:.0f} MB")

    def _puts(self) -> Iterator[Put]:
        """Yield all that was put, as the ledgers tell."""
        yield from self._canaries
        for writer in range(self._workload.writers):
            account = ledger.read(ledger_path(self._bed.folder, writer))
            for number, chunk in enumerate(self._workload.chunks(writer)):
                if tries := account.tries[number]:
                    yield Put(chunk, number in account.accepted, tries)

    def _found(self) -> Found:
        with self._bed.base() as base:
            learners = base.execute("SELECT origin, external_user_id FROM apprenants").fetchall()
            rows = base.execute(
                "SELECT a.origin, a.external_user_id, p.grain_id, p.module_id, p.sequence_id, "
                "p.completed_at FROM progress p JOIN apprenants a ON a.id = p.apprenant_id",
            ).fetchall()
        return Found(learners, rows, list(self._dead()))

    def _dead(self) -> Iterator[tuple[Completion | None, str]]:
        after = None
        while letters := self._outbox.dead(1000, after):
            yield from ((letter.completion, letter.reason) for letter in letters)
            after = letters[-1].id
