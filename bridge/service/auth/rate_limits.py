"""How many requests are answered: of a key, of a learner, of an address."""

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

PURGE_EVERY: Final = 10.0
"""Seconds between two looks for windows that are over."""

_COMPLAIN_EVERY: Final = 60.0
_log: Final = logging.getLogger(__name__)


class Limits:
    """Counts requests in fixed windows, by the library ``limits``.

    While Redis, where it counts, does not answer, everybody passes: a limit protects the service,
    and must not be what stops it.

    Args:
        settings: the rates, and where to count.
    """

    def __init__(self, settings: RateLimits) -> None:
        self._key = _rate(settings.key)
        self._token = _rate(settings.token)
        self._address = _rate(settings.address)
        self._counting = FixedWindowRateLimiter(_storage(settings.storage))
        self._complain_at = float("-inf")

    async def key(self, key_id: str) -> None:
        """Count a request of this server key.

        Raises:
            Problem: 429, it is one too many; so do the others.
        """
        await self._count(self._key, "key", key_id)

    async def learner(self, origin: str, external_user_id: str) -> None:
        """Count a request of this learner, whatever token they came with."""
        await self._count(self._token, "learner", origin, external_user_id)

    async def address(self, request: Request) -> None:
        """Count a request of this address that no key or token vouches for."""
        await self._count(self._address, "address", _network(request))

    async def _count(self, rate: RateLimitItem | None, *who: str) -> None:
        if rate is None:
            return
        try:
            if await self._counting.hit(rate, *who):
                return
            reset, _ = await self._counting.get_window_stats(rate, *who)
        except StorageError as error:
            self._complain(type(error.storage_error).__name__)
            return
        wait = max(1, math.ceil(reset - time.time()))
        raise Problem(429, f"more than {rate}; try again later", {"Retry-After": str(wait)})

    def _complain(self, reason: str) -> None:
        now = time.monotonic()
        if now >= self._complain_at:
            self._complain_at = now + _COMPLAIN_EVERY
            event(_log, logging.ERROR, "rate_limits_off", reason=reason)


def _rate(text: str) -> RateLimitItem | None:
    if text == "off":
        return None
    amount, _, unit = text.partition("/")
    return parse(f"{amount} per {unit}")


def _network(request: Request) -> str:
    """The caller's address; of IPv6 the /64, which one caller has as a whole."""
    host = request.client.host if request.client else "?"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def _storage(url: str) -> Storage:
    if url.startswith("memory:"):
        return Counters()
    options: dict[str, Any] = {"implementation": "redispy", "socket_timeout": 0.5}
    found = storage_from_string(f"async+{url}", wrap_exceptions=True, **options)
    assert isinstance(found, Storage)  # noqa: S101 -- what async+ stands for
    return found


class Counters(Storage):
    """Counts in this process.

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
        """What may go wrong: nothing."""
        return StorageError

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count; how often, since the window began."""
        now = time.time()
        if now >= self._purge_at:
            self._purge_at = now + PURGE_EVERY
            self._windows = {k: window for k, window in self._windows.items() if window[0] > now}
        ends, count = self._windows.get(key, (0.0, 0))
        if not now < ends <= now + expiry:  # it is over, or the clock was put back
            ends, count = now + expiry, 0
        count += amount
        self._windows[key] = ends, count
        return count

    async def get(self, key: str) -> int:
        """How often it was counted since the window began."""
        ends, count = self._windows.get(key, (0.0, 0))
        return count if ends > time.time() else 0

    async def get_expiry(self, key: str) -> float:
        """When the window ends, in seconds since 1970."""
        return self._windows.get(key, (time.time(), 0))[0]

    async def check(self) -> bool:
        """Whether it can count."""
        return True

    async def reset(self) -> int | None:
        """Forget everything; how many windows there were."""
        count = len(self._windows)
        self._windows.clear()
        return count

    async def clear(self, key: str) -> None:
        """Forget one window."""
        self._windows.pop(key, None)
