"""What was accepted and is not delivered yet: one protocol, and a folder for each place to keep it.

`open_outbox` picks by the scheme of ``outbox.url``: ``sqlite:`` is a file shared by the processes
of one machine, ``redis:`` and ``rediss:`` a Redis shared by several machines.
"""

from __future__ import annotations

from bridge.config import Settings
from bridge.outbox.base import (
    MAX_HOLD_SECONDS,
    MAX_NOTE_AGE_SECONDS,
    Counts,
    DeadLetter,
    Erased,
    ErasureRequest,
    Leased,
    Note,
    Outbox,
)
from bridge.outbox.ownership import store_mark

__all__ = [
    "MAX_HOLD_SECONDS",
    "MAX_NOTE_AGE_SECONDS",
    "Counts",
    "DeadLetter",
    "Erased",
    "ErasureRequest",
    "Leased",
    "Note",
    "Outbox",
    "open_outbox",
]


def open_outbox(settings: Settings) -> Outbox | None:
    """Open the outbox that the configuration names. Connects to nothing yet.

    Returns:
        The outbox, or None when the configuration names none.

    Raises:
        ConfigurationError: the URL cannot be read, or the package for Redis is not installed.
    """
    if settings.outbox is None:
        return None
    store = store_mark(settings.store)
    if settings.outbox.scheme == "sqlite":
        from bridge.outbox.sqlite import SQLiteOutbox

        return SQLiteOutbox(settings.outbox, store_email=settings.store_email, store=store)
    from bridge.outbox.redis import RedisOutbox

    return RedisOutbox(settings.outbox, store_email=settings.store_email, store=store)
