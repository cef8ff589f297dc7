"""Whether the block could pass a completion on, for a monitor: words without data."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from bridge import Bridge, BridgeError, ConfigurationError
from bridge.config.fields import as_mapping
from progress_xblock.settings import KEY, bridge_for, budget, check, section
from progress_xblock.throttled_log import notice
from progress_xblock.time_limit import within

EVERY: Final = 10.0
"""Seconds for which an answer is remembered: anybody may ask, and the store is not to suffer."""

OK: Final = "ok"
WRONG_SETTINGS: Final = "the settings are wrong: the log tells which"
NO_ANSWER: Final = "no answer in time"
NOT_TAKEN: Final = "completions are not taken: run progress-bridge check"

_last: tuple[float, str] | None = None


def block_settings() -> Mapping[str, Any]:
    """The block's bucket of the LMS's settings.

    Raises:
        ConfigurationError: it is no mapping, or all blocks' settings are none.
    """
    buckets = getattr(settings, "XBLOCK_SETTINGS", None)
    return section(as_mapping("XBLOCK_SETTINGS", {} if buckets is None else buckets).get(KEY))


def look() -> str:
    """What is wrong, in words, or `OK`. Takes no longer than the block's budget."""
    try:
        check(block_settings())
        bridge, seconds = bridge_for(block_settings()), budget(block_settings())
        return within(seconds, partial(_takes, bridge))
    except ConfigurationError as error:
        notice(logging.ERROR, "health", "the settings are wrong", error)
        return WRONG_SETTINGS
    except BridgeError as error:
        notice(logging.WARNING, "health", NO_ANSWER, error)
        return NO_ANSWER


def health(request: HttpRequest) -> HttpResponse:
    """200 and ``ok``, or 503 and what is wrong."""
    words = _words()
    status = 200 if words == OK else 503
    return HttpResponse(words + "\n", content_type="text/plain; charset=utf-8", status=status)


def _words() -> str:
    """What is known, or found out now: by one request, however many others ask meanwhile."""
    global _last
    if _last is None or time.monotonic() - _last[0] > EVERY:
        _last = (time.monotonic(), _last[1] if _last else NO_ANSWER)
        _last = (time.monotonic(), look())
    return _last[1]


def _takes(bridge: Bridge) -> str:
    """With an outbox, whether it takes completions: the store is its deliverer's matter."""
    findings = bridge.outbox.check() if bridge.outbox else bridge.store.check()
    return NOT_TAKEN if any(f.fatal and not f.ok for f in findings) else OK
