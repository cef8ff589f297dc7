"""Trying again while a worker holds what the caller is after."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

_AGAIN: Final = 0.1


def attempts(patience: float, late: Exception) -> Iterator[None]:
    """One attempt after the other, to be left by whoever has had success.

    Args:
        patience: seconds after which no other attempt is begun; the first one always is.
        late: raised then.
    """
    deadline = time.monotonic() + patience
    while True:
        yield
        if time.monotonic() >= deadline:
            raise late
        time.sleep(_AGAIN)
