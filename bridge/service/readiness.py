"""Whether completions are accepted, and whether the store can be reached."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from bridge.errors import StoreMisconfigured, StoreUnavailable
from bridge.facade import Bridge
from bridge.model import Identity, Origin

STORE_ANSWER_SECONDS: Final = 10.0
"""Seconds that an answer about the store is kept, so that probes do not become a load."""

PROBE_TIMEOUT_SECONDS: Final = 2.0
"""Seconds that a probe waits for an answer."""

AVAILABLE: Final = "available"


class _CachedProbe:
    """A slow question that is asked once at a time, and whose answer is kept for a while.

    It has a thread of its own: with a store that hangs all the others may be waiting for it.

    Args:
        question: asks, and returns the answer in words.
        max_age: seconds that an answer is kept.
    """

    def __init__(self, question: Callable[[], str], max_age: float) -> None:
        self._question = question
        self._max_age = max_age
        self._asking: asyncio.Task[str] | None = None
        self._thread: CapacityLimiter | None = None
        self._answer = ""
        self._until = float("-inf")

    async def answer(self) -> str:
        if time.monotonic() < self._until:
            return self._answer
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        try:
            return await asyncio.wait_for(asyncio.shield(self._asking), PROBE_TIMEOUT_SECONDS)
        except TimeoutError:
            return f"unavailable: no answer within {PROBE_TIMEOUT_SECONDS:g} s"

    async def _ask(self) -> str:
        self._thread = self._thread or CapacityLimiter(1)
        try:
            self._answer = await run_sync(self._question, limiter=self._thread)
            self._until = time.monotonic() + self._max_age
        finally:
            self._asking = None
        return self._answer


class Readiness:
    """Answers the probes of a load balancer, in words that hold no address and no secret.

    Args:
        bridge: with an outbox.
    """

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._outbox = _CachedProbe(self._probe_outbox, 1.0)
        self._store = _CachedProbe(self._probe_store, STORE_ANSWER_SECONDS)

    async def outbox(self) -> str:
        """Return the state of the outbox: ``available``, or ``unavailable: …``."""
        return await self._outbox.answer()

    async def store(self) -> str:
        """Return the state of the store.

        Returns:
            ``available``, ``unavailable: …`` or ``misconfigured: …``.
        """
        return await self._store.answer()

    def _probe_outbox(self) -> str:
        assert self._bridge.outbox  # noqa: S101 -- the application has seen to it
        findings = self._bridge.outbox.check()
        if all(finding.ok or not finding.fatal for finding in findings):
            return AVAILABLE
        error = self._bridge.outbox.trouble()
        why = f" ({error.reason})" if error and "/" not in error.reason else ""
        return f"unavailable: it takes no completions{why}; `progress-bridge check` tells why"

    def _probe_store(self) -> str:
        """Read the progress of a learner who does not exist, to see whether the store answers."""
        try:
            self._bridge.store.progress(Identity(Origin.DIRECT, uuid.uuid4()))
        except StoreUnavailable:
            return "unavailable: completions wait in the outbox until it answers"
        except StoreMisconfigured:
            return "misconfigured: completions wait; `progress-bridge check` tells what to mend"
        return AVAILABLE
