"""What a deliverer tells: its log, its metrics and its report."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Final

from bridge import metrics
from bridge.config import DeliverySettings
from bridge.delivery.status import Report, State
from bridge.delivery.throttle import Throttle, Trouble
from bridge.model import Outcome
from bridge.outbox import ErasureRequest, Leased
from bridge.support.logs import event

if TYPE_CHECKING:
    from bridge.delivery.erasing import ErasureRunner

MINUTE: Final = 60.0

_log: Final = logging.getLogger("bridge.delivery")


class Telemetry:
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
        self._complained_of_notes = float("-inf")
        self._complained = self._complained_of_erasures = float("-inf")

    def started(self, name: str, settings: DeliverySettings) -> None:
        """Log that delivery begins."""
        sizes = {"batch": settings.batch, "connections": settings.connections}
        event(_log, logging.INFO, "delivery_started", worker=name, **sizes)

    def stopped(self, given_back: int) -> None:
        """Log that delivery ends."""
        numbers = {"delivered": self._total, "given_back": given_back or None}
        event(_log, logging.INFO, "delivery_stopped", **numbers)

    def delivered(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        """Count and log the completions that the store took."""
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
        """Count and log a completion that became a dead letter."""
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
        """Log that the store could not take a batch."""
        event(_log, logging.WARNING, "store_unavailable", error=message, next_try=wait)

    def outbox_failed(self, message: str, wait: float, remedy: str = "") -> None:
        """Log that the outbox could not do its part, and what to do where that is known."""
        told = {"error": message, "next_try": wait, "remedy": remedy or None}
        event(_log, logging.WARNING, "outbox_unavailable", **told)

    def not_noted(self, message: str) -> None:
        """Log, once a minute, that the outbox cannot keep how this deliverer is doing."""
        now = self._clock()
        if now - self._complained_of_notes < MINUTE:
            return
        self._complained_of_notes = now
        event(_log, logging.WARNING, "status_not_written", error=message)

    def resumed(self, seconds: float) -> None:
        """Log that the store takes completions again, after so many seconds."""
        self._complained = float("-inf")
        event(_log, logging.INFO, "delivery_resumed", after=seconds)

    def erasures_resumed(self, seconds: float) -> None:
        """Log that learners are erased again, after so many seconds."""
        self._complained_of_erasures = float("-inf")
        event(_log, logging.INFO, "erasures_resumed", after=seconds)

    def erased(self, request: ErasureRequest) -> None:
        """Count and log a learner's erasure that is done."""
        metrics.ERASED.inc()
        event(
            _log,
            logging.INFO,
            "learner_erased",
            learner=request.identity,
            attempts=request.attempts,
        )

    def erasure_failed(self, request: ErasureRequest, reason: str, wait: float) -> None:
        """Log that a learner could not be erased now, and is tried again in so many seconds."""
        event(
            _log,
            logging.WARNING,
            "erasure_failed",
            learner=request.identity,
            attempts=request.attempts,
            error=reason,
            next_try=wait,
        )

    def erasures_paused(self, trouble: Trouble) -> None:
        """Log, once a minute, that somebody has to mend something before learners are erased."""
        now = self._clock()
        if now - self._complained_of_erasures < MINUTE:
            return
        self._complained_of_erasures = now
        event(
            _log,
            logging.ERROR,
            "erasures_paused",
            error=trouble.message,
            seconds=now - trouble.since,
            remedy="progress-bridge check tells what to mend; erasures then resume by themselves",
        )

    def complain(self, trouble: Trouble | None) -> None:
        """Log, once a minute, that somebody has to mend something, when delivery is paused."""
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

    def report(self, throttle: Throttle, erasing: ErasureRunner) -> Report:
        """Report how delivery, and the erasures that were asked for, are doing."""
        now, trouble, not_erased = self._clock(), throttle.trouble, erasing.trouble
        errors = [error for error in (throttle.last_error, erasing.last_error) if error]
        last = max(errors, key=lambda error: error.since, default=None)
        with self._lock:
            self._forget()
            recent, total = sum(number for _, number in self._last_minute), self._total
        return Report(
            state=trouble.state if trouble else State.DELIVERING,
            rate=round(recent / min(MINUTE, max(1.0, now - self._began)), 2),
            delivered=total,
            why=trouble.message if trouble else None,
            seconds=round(now - trouble.since, 1) if trouble else 0.0,
            next_try=round(throttle.wait(now), 1) if trouble else None,
            last_error=last.message if last else None,
            last_error_seconds=round(now - last.since, 1) if last else 0.0,
            erasing=not_erased.state if not_erased else State.DELIVERING,
            erasing_why=not_erased.message if not_erased else None,
            erasing_next_try=round(erasing.wait(), 1) if not_erased else None,
        )

    def farewell(self, report: Report) -> Report:
        """Return the last report of a deliverer, which stops, made of the one before."""
        stopped = replace(report, state=State.STOPPED, rate=0.0, next_try=None)
        return replace(stopped, erasing=State.STOPPED, erasing_next_try=None)

    def _forget(self) -> None:
        while self._last_minute and self._last_minute[0][0] < self._clock() - MINUTE:
            self._last_minute.popleft()
