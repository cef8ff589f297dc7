"""What deliverers tell of themselves, and what it means to whoever waits for a completion."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final, Self

from bridge.errors import OutboxMisconfigured
from bridge.outbox import Counts, Note, Outbox
from bridge.support.nesting import load_json

MAX_REPORT_AGE: Final = 30.0
"""Seconds after which a deliverer that has not reported is gone. It reports every 5 s."""

UNEXPECTED: Final = "unexpected: "
"""What the description of an exception that nobody foresaw begins with."""


class State(StrEnum):
    """What a deliverer does, or all of them together."""

    DELIVERING = "delivering"
    RETRYING = "retrying"  # the store, or the outbox, is not available now
    PAUSED = "paused"  # the store refuses until somebody mends something
    STOPPED = "stopped"  # there is no deliverer
    IDLE = "idle"  # nothing is waiting, and nobody is to be erased


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a deliverer tells of itself.

    Attributes:
        state: delivering, retrying, paused or stopped.
        rate: completions delivered a second, over the last minute.
        delivered: completions delivered since it was started.
        why: what keeps it from delivering, in words, or None when nothing does.
        seconds: for how long it has been so.
        next_try: seconds until it tries again, or None when it is delivering.
        last_error: the last thing that went wrong, in words, or None when nothing did.
        last_error_seconds: how long ago that was.
        erasing: whether learners who are to be erased are: delivering, retrying, paused, stopped.
        erasing_why: what keeps them from being erased, in words, or None when nothing does.
        erasing_next_try: seconds until that is tried again, or None when nothing keeps them.
    """

    state: State
    rate: float = 0.0
    delivered: int = 0
    why: str | None = None
    seconds: float = 0.0
    next_try: float | None = None
    last_error: str | None = None
    last_error_seconds: float = 0.0
    erasing: State = State.DELIVERING
    erasing_why: str | None = None
    erasing_next_try: float | None = None

    def as_text(self) -> str:
        """Write the report as a note of the outbox."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read the report that `as_text` wrote.

        Raises:
            ValueError, TypeError, KeyError: another version of the bridge wrote it.
        """
        values = load_json(text)
        states = {name: State(values[name]) for name in ("state", "erasing") if name in values}
        return cls(**{**values, **states})


@dataclass(frozen=True, slots=True)
class Worker:
    """A deliverer as its last report shows it.

    Attributes:
        name: host and process.
        age: seconds since it reported.
        report: what it reported.
    """

    name: str
    age: float
    report: Report

    @property
    def alive(self) -> bool:
        """Return whether the deliverer may be taken to be running."""
        return self.age <= MAX_REPORT_AGE and self.report.state is not State.STOPPED


@dataclass(frozen=True, slots=True)
class Overview:
    """Why completions have, or have not, arrived.

    Attributes:
        counts: what is in the outbox.
        workers: the deliverers, those heard of most recently first.
        state: of delivery as a whole.
        why: what that means, in words.
        remedy: what to do about it, or empty when there is nothing to be done.
    """

    counts: Counts
    workers: Sequence[Worker]
    state: State
    why: str
    remedy: str = ""

    @property
    def rate(self) -> float:
        """Return the completions delivered a second by all deliverers, over the last minute."""
        return sum(worker.report.rate for worker in self.workers if worker.alive)

    @property
    def last_error(self) -> tuple[float, Worker] | None:
        """Return the seconds since anything went wrong, and for which deliverer."""
        told = [
            (worker.age + worker.report.last_error_seconds, worker)
            for worker in self.workers
            if worker.report.last_error
        ]
        return min(told, key=lambda error: error[0], default=None)


def overview(outbox: Outbox) -> Overview:
    """Tell how delivery is doing, by what is in the outbox and what deliverers reported.

    Raises:
        OutboxUnavailable: the outbox cannot be read.
    """
    counts = outbox.counts()
    workers = [worker for note in outbox.notes() if (worker := _worker(note))]
    if (trouble := _of_the_outbox(outbox)) is not None:
        return Overview(counts, workers, *trouble)
    alive = [worker for worker in workers if worker.alive]
    completions = counts.waiting + counts.leased
    if completions + counts.erasures == 0:
        return Overview(counts, workers, State.IDLE, _idle(counts))
    if not alive:
        return Overview(
            counts,
            workers,
            State.STOPPED,
            f"no deliverer is running ({_last_heard(workers)})",
            "start `progress-bridge deliver`, or the service",
        )
    told = _together(alive) if completions else (State.IDLE, "", "")
    if counts.erasures and told[0] in (State.IDLE, State.DELIVERING):
        erasing = _erasing(alive)
        told = told if completions and erasing[0] is State.DELIVERING else erasing
    return Overview(counts, workers, *told)


def _of_the_outbox(outbox: Outbox) -> tuple[State, str, str] | None:
    """Return what keeps the outbox itself from its part: then deliverers cannot tell anything."""
    error = outbox.trouble()
    if error is not None:
        lasting = isinstance(error, OutboxMisconfigured)
        return State.PAUSED if lasting else State.RETRYING, f"outbox {error}", error.remedy
    for finding in outbox.check():
        if not finding.ok and finding.fatal:
            return State.PAUSED, finding.message, finding.remedy
    return None


def _worker(note: Note) -> Worker | None:
    """Read a deliverer's note, None when another version of the bridge wrote it."""
    try:
        return Worker(note.worker, note.age, Report.from_text(note.text))
    except (ValueError, TypeError, KeyError):
        return None


def _idle(counts: Counts) -> str:
    if counts.dead:
        return "nothing is waiting: all is delivered but the dead letters"
    return "nothing is waiting: all that was accepted is delivered"


def _last_heard(workers: Sequence[Worker]) -> str:
    if not workers:
        return "none was heard of for a day"
    return f"the last one was heard of {duration(workers[0].age)} ago"


def _together(alive: Sequence[Worker]) -> tuple[State, str, str]:
    """Return state, meaning and remedy of those that run: the one that does best counts."""
    states = {worker.report.state: worker for worker in reversed(alive)}
    if State.DELIVERING in states:
        return State.DELIVERING, "being delivered", ""
    if State.PAUSED in states:
        why = states[State.PAUSED].report.why or ""
        return State.PAUSED, why, _BUG if UNEXPECTED in why else _MEND
    worker = states[State.RETRYING]
    left = max(0.0, (worker.report.next_try or 0.0) - worker.age)
    return (
        State.RETRYING,
        f"{worker.report.why}; next try in {duration(left)}",
        "see that it runs and can be reached; nothing is lost, delivery goes on by itself",
    )


def _erasing(alive: Sequence[Worker]) -> tuple[State, str, str]:
    """Return state, meaning and remedy of the erasures that were asked for, as `_together`."""
    states = {worker.report.erasing: worker for worker in reversed(alive)}
    if State.DELIVERING in states:
        return State.DELIVERING, "all is delivered; learners are being erased", ""
    paused = State.PAUSED in states
    worker = states[State.PAUSED if paused else State.RETRYING]
    why = f"learners who are to be erased are not: {worker.report.erasing_why}"
    if paused and UNEXPECTED in why:
        return State.PAUSED, why, _BUG
    if paused:
        return State.PAUSED, why, "`progress-bridge check` tells what to mend; no request is lost"
    left = max(0.0, (worker.report.erasing_next_try or 0.0) - worker.age)
    remedy = "see that the store runs and can be reached; no request is lost"
    return State.RETRYING, f"{why}; next try in {duration(left)}", remedy


_MEND: Final = (
    "`progress-bridge check` tells what to mend; nothing is lost, delivery then resumes by itself"
)
_BUG: Final = (
    "it is a bug of the bridge: tell its makers type and place, and update; nothing is lost, and "
    "it is tried again by itself"
)


def duration(seconds: float) -> str:
    """Write a time span as a person says it, in at most two units: ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 1:
        return "less than 1 s"
    parts = []
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        number, whole = divmod(whole, length)
        parts.append((number, unit))
    first = next(position for position, (number, _) in enumerate(parts) if number)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number)
