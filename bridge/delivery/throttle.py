"""When to try next and with how much, after what the store and the outbox answered so far.

While all is well, ``connections`` batches of up to ``batch`` completions are under way. A store
that is unavailable is left alone for a time that doubles, then tried with one batch of half the
size. Each success doubles the size again. So a store that is slow rather than down is sent what it
can take, and one that comes back is not run over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridge.config import DeliverySettings
from bridge.delivery.status import State
from bridge.errors import StoreUnavailable
from bridge.support.extras import needs

with needs("delivery"):
    from tenacity import RetryCallState, Retrying, wait_random_exponential

PROBE_SIZE: Final = 10
"""Completions in the batch that tries whether a paused delivery can go on."""

MAX_RETRY_AFTER_SECONDS: Final = 600.0
"""Seconds for which a store is left alone because it asks to be, at most."""


class Backoff:
    """Exponential backoff with full jitter, by tenacity.

    Args:
        first: seconds. The first wait is from 0 to this.
        longest: seconds. No wait is longer.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._wait = wait_random_exponential(multiplier=first, max=longest)

    def __call__(self, failures: int) -> float:
        """Return the seconds to wait after so many failures in a row (1 or more)."""
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = failures
        return self._wait(state)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps completions from being delivered.

    Attributes:
        state: `State.RETRYING` or `State.PAUSED`.
        message: why, in words.
        since: when it began, by the deliverer's clock.
    """

    state: State
    message: str
    since: float


class Throttle:
    """Decides how much may be leased now. Not for several threads at once.

    Batches are numbered: one that had begun when a trouble was noticed tells nothing new of it,
    neither by failing too nor by having succeeded.

    Args:
        settings: sizes and times.
        backoff: seconds to wait after so many failures in a row.
    """

    def __init__(self, settings: DeliverySettings, backoff: Callable[[int], float]) -> None:
        self._settings = settings
        self._backoff = backoff
        self._size = settings.batch
        self._begun = 0
        self._known = 0
        self._failures = 0
        self._outbox_failures = 0
        self._until = float("-inf")
        self._of_store: Trouble | None = None
        self._of_outbox: Trouble | None = None
        self.last_error: Trouble | None = None

    @property
    def trouble(self) -> Trouble | None:
        """Return what is wrong now, or None when completions are delivered."""
        return self._of_store or self._of_outbox

    def most(self, now: float, under_way: int) -> int:
        """Return how many completions may be leased now, with so many batches under way."""
        if now < self._until or under_way >= (1 if self.trouble else self._settings.connections):
            return 0
        return self._size

    def wait(self, now: float) -> float:
        """Return the seconds until the next try is due, 0 when it is."""
        return max(0.0, self._until - now)

    def begin(self) -> int:
        """Give the batch that begins now its number."""
        self._begun += 1
        return self._begun

    def recorded(self, number: int) -> Trouble | None:
        """Note that the store took the batch, and return the trouble that this ends, if any."""
        if number <= self._known:
            return None
        over, self._of_store = self._of_store, None
        self._failures = 0
        self._size = min(self._settings.batch, self._size * 2)
        return over

    def unavailable(self, number: int, size: int, error: StoreUnavailable, now: float) -> float:
        """Note that the store could not take the batch, and make the next ones smaller.

        Args:
            number: of the batch.
            size: completions in it.
            error: the store's. It may say how long to leave the store alone.
            now: by the deliverer's clock.

        Returns:
            Seconds until the next try.
        """
        asked = min(error.retry_after or 0.0, MAX_RETRY_AFTER_SECONDS)
        if number > self._known:
            self._failures += 1
            self._size = max(1, min(self._size, size) // 2)
            asked = max(asked, self._backoff(self._failures))
            self._notice(State.RETRYING, str(error), now)
        self._until = max(self._until, now + asked)
        return self.wait(now)

    def misconfigured(self, number: int, message: str, now: float) -> float:
        """Note that the store refuses what it has to accept.

        Returns:
            Seconds until the next probe.
        """
        if number > self._known:
            self._size = min(self._size, PROBE_SIZE)
            self._until = max(self._until, now + self._settings.probe)
            self._notice(State.PAUSED, message, now)
        return self.wait(now)

    def leave_alone(self, seconds: float, now: float) -> None:
        """Ask the store nothing for so many seconds, at most `MAX_RETRY_AFTER_SECONDS`."""
        self._until = max(self._until, now + min(seconds, MAX_RETRY_AFTER_SECONDS))

    def outbox_failed(self, message: str, now: float, state: State = State.RETRYING) -> float:
        """Note that the outbox could not do its part.

        Args:
            message: why, in words.
            now: by the deliverer's clock.
            state: `State.PAUSED` when somebody has to mend it.

        Returns:
            Seconds until the next try.
        """
        self._outbox_failures += 1
        self._until = max(self._until, now + self._backoff(self._outbox_failures))
        since = self._of_outbox.since if self._of_outbox else now
        self._of_outbox = Trouble(state, message, since)
        self.last_error = Trouble(state, message, now)
        return self.wait(now)

    def outbox_answered(self) -> None:
        """Note that the outbox does its part."""
        self._outbox_failures, self._of_outbox = 0, None

    def _notice(self, state: State, message: str, now: float) -> None:
        same = self._of_store is not None and self._of_store.state is state
        since = self._of_store.since if self._of_store and same else now
        self._of_store = Trouble(state, message, since)
        self.last_error = Trouble(state, message, now)
        self._known = self._begun
