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
from bridge.config import as_mapping
from progress_xblock.settings import (
    SETTINGS_KEY,
    as_block_settings,
    bridge_for,
    budget,
    check_settings,
)
from progress_xblock.throttled_log import log_throttled
from progress_xblock.time_limit import within

REMEMBERED_FOR: Final = 10.0
"""Seconds for which an answer is remembered: anybody may ask, and the store is not to suffer."""

OK: Final = "ok"
WRONG_SETTINGS: Final = "the settings are wrong: the log tells which"
NO_ANSWER: Final = "no answer in time"
NOT_TAKEN: Final = "completions are not taken: run progress-bridge check"

_last_answer: tuple[float, str] | None = None


def block_settings() -> Mapping[str, Any]:
    """Return the block's bucket of the LMS's settings.

    Raises:
        ConfigurationError: it is no mapping, or all blocks' settings are none.
    """
    buckets = getattr(settings, "XBLOCK_SETTINGS", None)
    buckets = as_mapping("XBLOCK_SETTINGS", {} if buckets is None else buckets)
    return as_block_settings(buckets.get(SETTINGS_KEY))


def find_out() -> str:
    """Find out whether completions are taken, within the block's budget.

    Returns:
        `OK`, or what is wrong, in words without data.
    """
    try:
        bridge = bridge_for(check_settings(block_settings()))
        return within(budget(block_settings()), partial(_ask_bridge, bridge))
    except ConfigurationError as error:
        log_throttled(logging.ERROR, "health", "the settings are wrong", error)
        return WRONG_SETTINGS
    except BridgeError as error:
        log_throttled(logging.WARNING, "health", NO_ANSWER, error)
        return NO_ANSWER


def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 and ``ok``, or 503 and what is wrong."""
    words = _remembered_answer()
    status = 200 if words == OK else 503
    return HttpResponse(words + "\n", content_type="text/plain; charset=utf-8", status=status)


def _remembered_answer() -> str:
    """Return the last answer, found out anew once it is older than `REMEMBERED_FOR`.

    One request finds out. Others that ask meanwhile get the answer before.
    """
    global _last_answer
    if _last_answer is None or time.monotonic() - _last_answer[0] > REMEMBERED_FOR:
        _last_answer = (time.monotonic(), _last_answer[1] if _last_answer else NO_ANSWER)
        _last_answer = (time.monotonic(), find_out())
    return _last_answer[1]


def _ask_bridge(bridge: Bridge) -> str:
    """Ask the outbox whether it takes completions, or the store where there is no outbox.

    A store behind an outbox is not asked: it is the deliverer's matter.
    """
    findings = bridge.outbox.check() if bridge.outbox else bridge.store.check()
    return NOT_TAKEN if any(f.fatal and not f.ok for f in findings) else OK
