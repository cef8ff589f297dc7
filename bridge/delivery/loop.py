"""The delivery loop, which leases completions, hands them over, settles them and reports."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Final

from bridge import metrics
from bridge.config import DeliverySettings
from bridge.delivery.erasing import ErasureRunner
from bridge.delivery.in_flight import BatchInFlight, InFlight
from bridge.delivery.isolation import (
    SUSPECT_DELAY,
    BatchResult,
    FailureClassifier,
    record,
    unforeseen,
)
from bridge.delivery.status import Report, State
from bridge.delivery.telemetry import Telemetry
from bridge.delivery.throttle import Backoff, Throttle
from bridge.errors import OutboxOfAnotherStore, OutboxUnavailable, StoreUnavailable
from bridge.model import Status
from bridge.outbox import ErasureRequest, Leased, Outbox
from bridge.stores import Store

HEARTBEAT_SECONDS: Final = 5.0
"""Seconds between two reports of a deliverer, at most."""


def _in_a_thread(work: Callable[[], None]) -> None:
    """Run the work in a daemon thread: a store that never answers must not hold up the exit."""
    threading.Thread(target=work, name="progress-bridge-batch", daemon=True).start()


class Delivery:
    """Delivers what is in the outbox to the store, until it is stopped.

    Learners whose erasure is asked for are erased from the store (`bridge.delivery.erasing`).

    As many as wanted may work on one outbox. ``run`` in the foreground, or ``start`` in a thread.

    Args:
        outbox: where completions wait. May be shared with others.
        store: where they go. Used by several threads.
        settings: sizes and times.
        name: as reports call this deliverer. Default: host and process.
        clock: seconds, as `time.monotonic` gives them.
        backoff: seconds to wait after so many failures in a row. Default: full jitter.
        spawn: runs what it is given, in a thread of its own.
    """

    def __init__(
        self,
        outbox: Outbox,
        store: Store,
        settings: DeliverySettings | None = None,
        *,
        name: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        backoff: Callable[[int], float] | None = None,
        spawn: Callable[[Callable[[], None]], None] = _in_a_thread,
    ) -> None:
        self.name = name or f"{socket.gethostname()}:{os.getpid()}"
        self._outbox = outbox
        self._store = store
        self._settings = settings = settings or DeliverySettings()
        self._clock = clock
        self._spawn = spawn
        self._backoff = backoff or Backoff(settings.backoff, settings.backoff_max)
        self._throttle = Throttle(settings, self._backoff)
        self._in_flight = InFlight()
        self._classifier = FailureClassifier()
        self._telemetry = telemetry = Telemetry(clock)
        self._erasures = ErasureRunner(outbox, store, settings, telemetry, clock, self._backoff)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._finished = True
        self._beat = min(HEARTBEAT_SECONDS, settings.lease / 3)
        self._last_beat = self._claimed = self._last_note = float("-inf")
        self._noted: tuple[State, ...] = ()

    def run(self) -> bool:
        """Deliver until `stop` is called, from another thread.

        Then the batches under way have ``grace`` seconds to end. What they have not settled by
        then is given back to the outbox.

        Returns:
            Whether they all ended. When not, their threads may still be waiting for the store.
        """
        self._telemetry.started(self.name, self._settings)
        while not self._stopping.is_set():
            self._wake.wait(self.step())
            self._wake.clear()
        self._finished = self._finish()
        return self._finished

    def start(self) -> None:
        """Start `run` in a thread of its own."""
        self._thread = threading.Thread(target=self.run, name="progress-bridge-delivery")
        self._thread.daemon = True
        self._thread.start()

    @property
    def running(self) -> bool:
        """Return whether the thread that `start` made is alive."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self, timeout: float | None = None) -> bool:
        """Lease no more, and wait for the thread that `start` made. Not for a signal handler.

        Args:
            timeout: seconds to wait at most, or None for as long as it takes (about ``grace``).

        Returns:
            Whether all that was under way ended.
        """
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)
            return self._finished and not self.running
        return self._finished

    def step(self) -> float:
        """Do what is due, once. For `run`, and for tests that have no time to wait.

        Returns:
            Seconds until something is due again, unless a batch ends before.
        """
        try:
            self._upkeep()
            self._claim()
            self._erase()
            return self._lease_batches()
        except (OutboxUnavailable, OutboxOfAnotherStore) as error:
            return self._refused(error)
        except Exception as error:  # noqa: BLE001 -- a bug must not end delivery; status tells it
            return self._outbox_failed(unforeseen(error))

    def report(self) -> Report:
        """Report how this deliverer is doing."""
        with self._lock:
            return self._telemetry.report(self._throttle, self._erasures)

    # --- whose outbox ---------------------------------------------------------------------

    def _claim(self) -> None:
        """See at every beat that the outbox is this store's, and not adopted by another's.

        Raises:
            OutboxOfAnotherStore: it is another store's, so nothing is leased.
        """
        now = self._clock()
        if now - self._claimed >= self._beat:
            self._outbox.claim()
            self._claimed = now

    # --- leasing ---------------------------------------------------------------------------

    def _lease_batches(self) -> float:
        """Lease and begin batches as long as there is room and something to lease.

        Returns:
            Seconds until it is worth another try.
        """
        while True:
            now = self._clock()
            with self._lock:
                most = self._throttle.most(now, len(self._in_flight.under_way))
                room = most - self._in_flight.parked
                wait = self._throttle.wait(now)
            if most == 0:
                return min(self._beat, wait or self._beat)
            leased = self._lease(room) if room > 0 else []
            if not self._begin(leased, most) or len(leased) < room:
                return min(self._beat, self._settings.age)

    def _lease(self, most: int) -> list[Leased]:
        leased = self._outbox.lease(most, self._settings.lease)
        with self._lock:
            self._throttle.outbox_answered()
        return leased

    def _begin(self, leased: Sequence[Leased], most: int) -> bool:
        """Begin a batch of the completions that can go now, and return whether there are any."""
        with self._lock:
            ready = self._in_flight.take_ready(leased, most)
            if not ready:
                return False
            batch = BatchInFlight(self._throttle.begin(), ready, self._clock())
            self._in_flight.begin(batch)
        try:
            self._spawn(lambda: self._deliver(batch))
        except RuntimeError:  # no more threads: its leases will be over, as after a crash
            self._end(batch)
            raise
        return True

    # --- a batch ---------------------------------------------------------------------------

    def _deliver(self, batch: BatchInFlight) -> None:
        try:
            result = record(self._store, batch.items)
            metrics.BATCH_SECONDS.observe(self._clock() - batch.began)
            self._settle(batch, result)
        except OutboxUnavailable as error:
            self._refused(error)
        except Exception as error:  # noqa: BLE001 -- as in `step`
            self._outbox_failed(unforeseen(error))
        finally:
            self._end(batch)

    def _end(self, batch: BatchInFlight) -> None:
        with self._lock:
            self._in_flight.end(batch)
        self._wake.set()

    def _settle(self, batch: BatchInFlight, result: BatchResult) -> None:
        """Tell the outbox what became of the batch. Should that fail, all of it is due again."""
        with self._lock:
            to_blame = self._classifier.classify(result)
            wait = self._judge(batch, result)
            left = result.left + (self._in_flight.take_parked() if result.left else [])
        taken = [(i, o) for i, o in result.outcomes if o.status is not Status.REJECTED]
        self._outbox.done([item for item, _ in taken])
        self._telemetry.delivered([outcome for _, outcome in taken], self._clock() - batch.began)
        for item, outcome in result.outcomes:
            if outcome.status is Status.REJECTED:
                self._bury(item, outcome.reason or "no reason given")
        for item, reason in to_blame:
            self._bury(item, reason)
        self._give_back(left, wait)
        self._give_back(result.suspects, SUSPECT_DELAY)

    def _judge(self, batch: BatchInFlight, result: BatchResult) -> float:
        """Tell the throttle how the batch ended, and return the seconds until the next may go."""
        now = self._clock()
        if isinstance(result.error, StoreUnavailable):
            size = len(batch.items)
            wait = self._throttle.unavailable(batch.number, size, result.error, now)
            self._telemetry.unavailable(str(result.error), wait)
            return wait
        if result.error is not None:
            return self._throttle.misconfigured(batch.number, str(result.error), now)
        if (reason := result.unforeseen) is not None:
            return self._throttle.misconfigured(batch.number, reason, now)
        if result.outcomes and (over := self._throttle.recorded(batch.number)):
            self._telemetry.resumed(now - over.since)
        return self._throttle.wait(now)

    def _bury(self, item: Leased, reason: str) -> None:
        if self._outbox.bury(item, reason):
            self._telemetry.buried(item, reason)

    def _give_back(self, items: Sequence[Leased], wait: float) -> None:
        """Make the items due a little after the next try, so that they let others pass."""
        metrics.RETRIES.inc(len(items))
        for attempts, group in groupby(sorted(items, key=_attempts), key=_attempts):
            delay = max(wait + self._settings.age, self._backoff(attempts))
            self._outbox.give_back(list(group), delay)

    # --- erasures --------------------------------------------------------------------------

    def _erase(self) -> None:
        """Begin the erasures that are due, unless the store wants to be left alone."""
        with self._lock:
            wait = self._throttle.wait(self._clock())
        if wait or not (requests := self._erasures.lease()):
            return
        try:
            self._spawn(lambda: self._carry_out(requests))
        except RuntimeError:  # as in `_begin`
            self._erasures.ended()
            raise

    def _carry_out(self, requests: Sequence[ErasureRequest]) -> None:
        try:
            retry_after = self._erasures.carry_out(requests)
            with self._lock:
                self._throttle.leave_alone(retry_after, self._clock())
        except OutboxUnavailable as error:
            self._refused(error)
        except Exception as error:  # noqa: BLE001 -- as in `step`
            self._outbox_failed(unforeseen(error))
        finally:
            self._erasures.ended()
            self._wake.set()

    # --- watching --------------------------------------------------------------------------

    def _upkeep(self) -> None:
        """Renew leases, report, and say once a minute what is wrong."""
        now = self._clock()
        with self._lock:
            trouble, leased = self._throttle.trouble, self._in_flight.items
        self._telemetry.complain(trouble)
        state = tuple(t.state if t else State.DELIVERING for t in (trouble, self._erasures.trouble))
        if state != self._noted or now - self._last_note >= HEARTBEAT_SECONDS:
            self._note(self.report())
        if now - self._last_beat >= self._beat:
            self._last_beat = now
            self._outbox.renew(leased, self._settings.lease)

    def _note(self, report: Report) -> None:
        self._last_note, self._noted = self._clock(), (report.state, report.erasing)
        try:
            self._outbox.note(self.name, report.as_text())
        except OutboxUnavailable as error:  # whoever asks for the status finds it out too
            self._telemetry.not_noted(str(error))

    def _refused(self, error: OutboxUnavailable | OutboxOfAnotherStore) -> float:
        """Wait, or pause when somebody has to mend the outbox."""
        passing = type(error) is OutboxUnavailable
        remedy = error.remedy if isinstance(error, OutboxUnavailable) else ""
        state = State.RETRYING if passing else State.PAUSED
        return self._outbox_failed(str(error), state, remedy)

    def _outbox_failed(
        self, message: str, state: State = State.RETRYING, remedy: str = ""
    ) -> float:
        with self._lock:
            wait = self._throttle.outbox_failed(message, self._clock(), state)
        self._telemetry.outbox_failed(message, wait, remedy)
        return min(self._beat, wait)

    # --- stopping --------------------------------------------------------------------------

    def _finish(self) -> bool:
        """Wait for what is under way, then give back the batches' completions not settled."""
        deadline = time.monotonic() + self._settings.grace
        self._erasures.stop()
        with self._lock:
            parked = self._in_flight.take_parked()
        with suppress(OutboxUnavailable):
            self._outbox.give_back(parked)
        while self._busy and (left := deadline - time.monotonic()) > 0:
            self._wake.wait(left)
            self._wake.clear()
        with self._lock:
            unsettled = self._in_flight.items
        with suppress(OutboxUnavailable):
            self._outbox.give_back(unsettled)
        self._telemetry.stopped(len(unsettled))
        self._note(self._telemetry.farewell(self.report()))
        return not unsettled and not self._busy

    @property
    def _busy(self) -> bool:
        """Return whether a thread of this deliverer is still at work."""
        return bool(self._in_flight.under_way) or self._erasures.under_way


def _attempts(item: Leased) -> int:
    return item.attempts
