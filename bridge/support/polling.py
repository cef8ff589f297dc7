"""Trying again while a worker holds what the caller is after."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

_INTERVAL: Final = 0.1
"""Seconds between two attempts."""


def poll_until(timeout: float, late: Exception) -> Iterator[None]:
    """Yield once for each attempt, until the caller leaves the loop or the time is over.

    Args:
        timeout: seconds after which no other attempt is begun. The first one always is.
        late: raised then.
    """
    deadline = time.monotonic() + timeout
    while True:
        yield
        if time.monotonic() >= deadline:
            raise late
        time.sleep(_INTERVAL)
