"""What a deliverer tells: its log, its metrics and its report."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import Final

from bridge import metrics
from bridge.config import DeliverySettings
from bridge.delivery.pace import Pace, Trouble
from bridge.logs import event
from bridge.model import Outcome
from bridge.outbox import Leased
from bridge.reports import Report, State

MINUTE: Final = 60.0

_log: Final = logging.getLogger("bridge.delivery")


class Journal:
    """Counts what was delivered and logs what happened. May be shared by threads.

    Args:
        clock: seconds, as `time.monotonic` gives them.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._began = clock()
        self._total = 0
        self._last_minute: deque[tuple[float, int]] = deque()
        self._complained = float("-inf")

    def started(self, name: str, settings: DeliverySettings) -> None:
        """Delivery begins."""
        sizes = {"batch": settings.batch, "connections": settings.connections}
        event(_log, logging.INFO, "delivery_started", worker=name, **sizes)

    def stopped(self, given_back: int) -> None:
        """Delivery ends."""
        numbers = {"delivered": self._total, "given_back": given_back or None}
        event(_log, logging.INFO, "delivery_stopped", **numbers)

    def delivered(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        """The store took these completions."""
        if not outcomes:
            return
        counts = Counter(str(outcome.status) for outcome in outcomes)
        for status, number in counts.items():
            metrics.DELIVERED.labels(status).inc(number)
        with self._lock:
            self._total += len(outcomes)
            self._last_minute.append((self._clock(), len(outcomes)))
            self._forget()
        event(_log, logging.DEBUG, "delivered", seconds=seconds, **counts)

    def buried(self, item: Leased, reason: str) -> None:
        """A completion became a dead letter."""
        metrics.REJECTED.inc()
        event(
            _log,
            logging.WARNING,
            "dead_letter",
            learner=item.completion.identity,
            grain=item.completion.grain_id,
            attempts=item.attempts,
            reason=reason,
        )

    def unavailable(self, message: str, wait: float) -> None:
        """The store could not take a batch."""
        event(_log, logging.WARNING, "store_unavailable", error=message, next_try=wait)

    def outbox_failed(self, message: str, wait: float) -> None:
        """The outbox could not do its part."""
        event(_log, logging.WARNING, "outbox_unavailable", error=message, next_try=wait)

    def resumed(self, seconds: float) -> None:
        """The store takes completions again."""
        self._complained = float("-inf")
        event(_log, logging.INFO, "delivery_resumed", after=seconds)

    def complain(self, trouble: Trouble | None) -> None:
        """Say, once a minute, that somebody has to mend something."""
        now = self._clock()
        paused = trouble is not None and trouble.state is State.PAUSED
        if trouble is None or not paused or now - self._complained < MINUTE:
            return
        self._complained = now
        event(
            _log,
            logging.ERROR,
            "delivery_paused",
            error=trouble.message,
            seconds=now - trouble.since,
            remedy="progress-bridge check tells what to mend; delivery then resumes by itself",
        )

    def report(self, pace: Pace) -> Report:
        """How delivery is doing."""
        now, trouble, last = self._clock(), pace.trouble, pace.last_error
        with self._lock:
            self._forget()
            recent, total = sum(number for _, number in self._last_minute), self._total
        return Report(
            state=trouble.state if trouble else State.DELIVERING,
            rate=round(recent / min(MINUTE, max(1.0, now - self._began)), 2),
            delivered=total,
            why=trouble.message if trouble else None,
            seconds=round(now - trouble.since, 1) if trouble else 0.0,
            next_try=round(pace.wait(now), 1) if trouble else None,
            last_error=last.message if last else None,
            last_error_seconds=round(now - last.since, 1) if last else 0.0,
        )

    def farewell(self, report: Report) -> Report:
        """The last report of a deliverer."""
        return replace(report, state=State.STOPPED, rate=0.0, next_try=None)

    def _forget(self) -> None:
        while self._last_minute and self._last_minute[0][0] < self._clock() - MINUTE:
            self._last_minute.popleft()
