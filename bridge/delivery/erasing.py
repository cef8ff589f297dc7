"""Erasures that were asked for: carried out one after the other, beside the batches.

A learner is erased from the store only when no deliverer has leased a completion of theirs: what
is leased could be recorded at any moment, and would be there afterwards. The outbox hands out
nothing more of a learner whose erasure is asked for, so this comes about within a lease's time.

Two leases' time later it is looked again, and erased again what has come meanwhile, until nothing
has: from a deliverer that stood still for longer than its leases and went on, or in a request that
the store carried out after the deliverer had ceased to wait for it. (One that stands still for
longer than three leases, in the middle of recording this very learner, can still bring a row back.)

What keeps erasures from being carried out keeps no completion from being delivered: a right to
delete that is missing, say, or one learner whom the store cannot erase.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

from bridge.config import DeliverySettings
from bridge.delivery.isolation import unforeseen
from bridge.delivery.status import State
from bridge.delivery.telemetry import Telemetry
from bridge.delivery.throttle import Throttle, Trouble
from bridge.errors import StoreMisconfigured, StoreUnavailable
from bridge.model import Identity
from bridge.outbox import ErasureRequest, Outbox
from bridge.stores import Store

POLL_SECONDS: Final = 1.0
"""Seconds between two looks for requests, at least."""

REQUESTS_PER_LEASE: Final = 10
"""Requests that are leased together."""

LEASES_UNTIL_LAST_LOOK: Final = 2
"""Leases' times from an erasure to the last look whether it is done."""

MAX_WATCHED: Final = 1000
"""Learners whose last look is awaited, before those are left out that had it elsewhere."""

UNFORESEEN_IN_A_ROW: Final = 3
"""Erasures that fail in a row for an unforeseen reason before they pause."""

LEASED_DELAY: Final = 1.0
"""Seconds after which to look again whether completions of the learner are still leased."""


class ErasureRunner:
    """Leases requests for erasures and carries them out. May be shared by threads.

    Attributes:
        under_way: whether requests are leased, and not all of them settled.
        last_error: the last thing that went wrong, or None when nothing did.

    Args:
        outbox: where the requests are.
        store: from which learners are erased.
        settings: how long a lease, and a pause, last.
        telemetry: is told what happens.
        clock: seconds, as `time.monotonic` gives them.
        backoff: seconds to wait after so many failures in a row.
    """

    def __init__(
        self,
        outbox: Outbox,
        store: Store,
        settings: DeliverySettings,
        telemetry: Telemetry,
        clock: Callable[[], float],
        backoff: Callable[[int], float],
    ) -> None:
        self._outbox = outbox
        self._store = store
        self._settings = settings
        self._telemetry = telemetry
        self._clock = clock
        self._backoff = backoff
        self._throttle = Throttle(settings, backoff)
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._stopping = False
        self._unforeseen = 0  # in a row
        self._clean_since: dict[Identity, float] = {}  # when a look first found nothing more
        self.under_way = False
        self.last_error: Trouble | None = None

    @property
    def trouble(self) -> Trouble | None:
        """Return what keeps erasures from being carried out, or None when nothing does."""
        return self._throttle.trouble

    def wait(self) -> float:
        """Return the seconds until the next try is due, 0 when it is."""
        with self._lock:
            return self._throttle.wait(self._clock())

    def lease(self) -> list[ErasureRequest]:
        """Lease the requests that are due, when it is time to look for them.

        Whoever gets any has to call `carry_out` with them, then `ended`.

        Raises:
            OutboxUnavailable: nothing is leased.
        """
        now = self._clock()
        if self.under_way or now - self._looked < POLL_SECONDS or self.wait():
            return []
        self._looked = now
        most = 1 if self.trouble else REQUESTS_PER_LEASE
        requests = self._outbox.lease_erasures(most, self._settings.lease)
        self.under_way = bool(requests)
        return requests

    def carry_out(self, requests: Sequence[ErasureRequest]) -> float:
        """Erase these learners, one after the other, until the store fails or `stop` is called.

        Returns:
            The seconds for which the store asked to be left alone, mostly 0.

        Raises:
            OutboxUnavailable: what is not settled is due again when its lease is over.
        """
        left, error = list(requests), None
        while left and error is None and not self._stopping:
            error = self._carry_out(left.pop(0))
        for request in left:
            self._outbox.put_off_erasure(request, 0.0)
        if not left and len(requests) == REQUESTS_PER_LEASE:
            self._looked = float("-inf")  # there may be more
        return (isinstance(error, StoreUnavailable) and error.retry_after) or 0.0

    def ended(self) -> None:
        """Note that `carry_out` has returned, or could not be called."""
        self.under_way = False

    def stop(self) -> None:
        """Begin no other erasure."""
        self._stopping = True

    def _carry_out(self, request: ErasureRequest) -> StoreUnavailable | StoreMisconfigured | None:
        """Erase one learner, or put it off.

        Returns:
            The error, when it is not this learner's alone.
        """
        with self._lock:
            number = self._throttle.begin()
        if self._outbox.erase(request.identity).leased:
            self._outbox.put_off_erasure(request, LEASED_DELAY)
            return None
        try:
            found = self._store.erase(request.identity)
        except StoreUnavailable as error:
            with self._lock:
                wait = self._throttle.unavailable(number, 1, error, self._clock())
            self._put_off(request, str(error), wait)
            return error
        except StoreMisconfigured as error:
            with self._lock:
                wait = self._throttle.misconfigured(number, str(error), self._clock())
                trouble = self._throttle.trouble
            self._put_off(request, str(error), wait, trouble)
            return error
        except Exception as error:  # noqa: BLE001 -- whatever it is, it must cost no other learner
            return self._unforeseen_error(request, number, unforeseen(error))
        self._unforeseen = 0
        with self._lock:
            over = self._throttle.recorded(number)
        if over is not None:
            self._telemetry.erasures_resumed(self._clock() - over.since)
        if rest := self._rest(request, found):
            self._outbox.put_off_erasure(request, rest, erased=True)
        elif self._outbox.erasure_done(request):
            self._telemetry.erased(request)
        return None

    def _unforeseen_error(
        self, request: ErasureRequest, number: int, reason: str
    ) -> StoreMisconfigured | None:
        """Put the request off, and pause when several fail in a row.

        Returns:
            The error, when it is not this learner's alone.
        """
        self._unforeseen += 1
        if self._unforeseen < UNFORESEEN_IN_A_ROW:
            self._put_off(request, reason, 0.0)
            return None
        with self._lock:
            wait = self._throttle.misconfigured(number, reason, self._clock())
            trouble = self._throttle.trouble
        self._put_off(request, reason, wait, trouble)
        return StoreMisconfigured(reason)

    def _rest(self, request: ErasureRequest, found: bool) -> float:
        """Return the seconds until the last look, 0 when this was it.

        They are counted by this process's own stopwatch: the outbox counts by a clock, and one that
        jumps would make the last look come at once.
        """
        now, wait = self._clock(), LEASES_UNTIL_LAST_LOOK * self._settings.lease
        if found or not request.erased:
            self._clean_since[request.identity] = now
        rest = self._clean_since.setdefault(request.identity, now) + wait - now
        if rest <= 0:
            del self._clean_since[request.identity]
        elif len(self._clean_since) > MAX_WATCHED:  # others' deliverers have seen to them
            recent = {i: since for i, since in self._clean_since.items() if now - since <= wait}
            self._clean_since = recent
        return max(0.0, rest)

    def _put_off(
        self, request: ErasureRequest, reason: str, wait: float, paused: Trouble | None = None
    ) -> None:
        """Make the request due a little after the next try, so that it lets others pass."""
        delay = max(wait + self._settings.age, self._backoff(request.attempts))
        self.last_error = Trouble(State.RETRYING, f"erasing a learner: {reason}", self._clock())
        if paused is None:
            self._telemetry.erasure_failed(request, reason, delay)
        else:
            self._telemetry.erasures_paused(paused)
        self._outbox.put_off_erasure(request, delay)
