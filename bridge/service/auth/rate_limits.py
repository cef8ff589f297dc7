"""Limits the rate of requests: of a key, of a learner, of an address."""

from __future__ import annotations

import ipaddress
import logging
import math
import time
from typing import Any, Final

from fastapi import Request
from limits import RateLimitItem, parse
from limits.aio.storage import Storage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string

from bridge.config import RateLimits
from bridge.service.http.problems import Problem
from bridge.support.logs import event

PURGE_INTERVAL_SECONDS: Final = 10.0
"""Seconds between two searches for windows that are over."""

_COMPLAINT_INTERVAL_SECONDS: Final = 60.0
_log: Final = logging.getLogger(__name__)


class RateLimiter:
    """Counts requests in fixed windows, by the library ``limits``.

    While the Redis that it counts in does not answer, everybody passes: a limit protects the
    service, and must not be what stops it.

    Args:
        settings: the rates, and where to count.
    """

    def __init__(self, settings: RateLimits) -> None:
        self._key_rate = _parse_rate(settings.key)
        self._learner_rate = _parse_rate(settings.token)
        self._address_rate = _parse_rate(settings.address)
        self._windows_counter = FixedWindowRateLimiter(_open_storage(settings.storage))
        self._next_complaint = float("-inf")

    async def count_key(self, key_id: str) -> None:
        """Count a request of this server key.

        Raises:
            Problem: 429, it is one too many.
        """
        await self._count(self._key_rate, "key", key_id)

    async def count_learner(self, origin: str, external_user_id: str) -> None:
        """Count a request of this learner, whatever token they came with.

        Raises:
            Problem: 429, it is one too many.
        """
        await self._count(self._learner_rate, "learner", origin, external_user_id)

    async def count_address(self, request: Request) -> None:
        """Count a request of this address that no key or token vouches for.

        Raises:
            Problem: 429, it is one too many.
        """
        await self._count(self._address_rate, "address", _address_group(request))

    async def _count(self, rate: RateLimitItem | None, *who: str) -> None:
        if rate is None:
            return
        try:
            if await self._windows_counter.hit(rate, *who):
                return
            reset, _ = await self._windows_counter.get_window_stats(rate, *who)
        except StorageError as error:
            self._log_storage_failure(type(error.storage_error).__name__)
            return
        wait = max(1, math.ceil(reset - time.time()))
        raise Problem(429, f"more than {rate}; try again later", {"Retry-After": str(wait)})

    def _log_storage_failure(self, reason: str) -> None:
        now = time.monotonic()
        if now >= self._next_complaint:
            self._next_complaint = now + _COMPLAINT_INTERVAL_SECONDS
            event(_log, logging.ERROR, "rate_limits_off", reason=reason)


def _parse_rate(text: str) -> RateLimitItem | None:
    if text == "off":
        return None
    amount, _, unit = text.partition("/")
    return parse(f"{amount} per {unit}")


def _address_group(request: Request) -> str:
    """Return what stands for the caller's address.

    Returns:
        The IPv4 address, or the /64 of an IPv6 address, which one caller has as a whole.
    """
    host = request.client.host if request.client else "?"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def _open_storage(url: str) -> Storage:
    if url.startswith("memory:"):
        return Counters()
    options: dict[str, Any] = {"implementation": "redispy", "socket_timeout": 0.5}
    found = storage_from_string(f"async+{url}", wrap_exceptions=True, **options)
    assert isinstance(found, Storage)  # noqa: S101 -- what async+ stands for
    return found


class Counters(Storage):
    """Storage that counts in this process.

    The library's own memory storage looks at every key it knows at each request: with the learners
    of a course that takes longer than all the rest. This one does so every ten seconds.
    """

    STORAGE_SCHEME = None  # made here, not from a URL

    def __init__(self) -> None:
        super().__init__()
        self._windows: dict[str, tuple[float, int]] = {}
        self._purge_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return the exceptions that storage may raise, of which this one raises none."""
        return StorageError

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to the count of a key, and return its count since the window began."""
        now = time.time()
        if now >= self._purge_at:
            self._purge_at = now + PURGE_INTERVAL_SECONDS
            self._windows = {k: window for k, window in self._windows.items() if window[0] > now}
        ends, count = self._windows.get(key, (0.0, 0))
        if not now < ends <= now + expiry:  # it is over, or the clock was put back
            ends, count = now + expiry, 0
        count += amount
        self._windows[key] = ends, count
        return count

    async def get(self, key: str) -> int:
        """Return the count of a key since the window began."""
        ends, count = self._windows.get(key, (0.0, 0))
        return count if ends > time.time() else 0

    async def get_expiry(self, key: str) -> float:
        """Return when the window of a key ends, in seconds since 1970."""
        return self._windows.get(key, (time.time(), 0))[0]

    async def check(self) -> bool:
        """Return True: this process can always count."""
        return True

    async def reset(self) -> int | None:
        """Forget all windows, and return how many there were."""
        count = len(self._windows)
        self._windows.clear()
        return count

    async def clear(self, key: str) -> None:
        """Forget the window of a key."""
        self._windows.pop(key, None)
