"""Puts the completions of concurrent requests into the outbox with one commit.

The outbox shares commits among threads. With a thread for each request, though, most of the time
would go into waking threads. So requests gather here, on the event loop, and one thread puts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from bridge.errors import OutboxUnavailable
from bridge.model import Completion

MAX_COMPLETIONS_PER_PUT: Final = 5_000
"""Completions in one put, unless one request alone brings more."""

_WaitingRequest = tuple[Sequence[Completion], asyncio.Future[None]]


class PutBatcher:
    """Puts the completions of concurrent requests into the outbox together.

    Args:
        put: accepts completions durably, all or none (`Outbox.put`). Called in a thread.
    """

    def __init__(self, put: Callable[[list[Completion]], None]) -> None:
        self._put = put
        self._waiting: list[_WaitingRequest] = []
        self._putting: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "progress-bridge-put")

    async def accept(self, completions: Sequence[Completion]) -> None:
        """Return when the completions are kept through any crash.

        Raises:
            OutboxUnavailable: they are not accepted, nor are those of the requests that shared
                the put.
        """
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((completions, kept))
        if self._putting is None:
            self._putting = asyncio.create_task(self._put_all_waiting())
        await kept

    def close(self) -> None:
        """End the thread, once what is under way has ended."""
        self._thread.shutdown(wait=False)

    async def _put_all_waiting(self) -> None:
        try:
            while self._waiting:
                await self._put_batch(self._take_batch())
        finally:
            self._putting = None

    def _take_batch(self) -> list[_WaitingRequest]:
        """Take the requests that came first, as many as go into one put."""
        size = count = 0
        for completions, _ in self._waiting:
            size += len(completions)
            if size > MAX_COMPLETIONS_PER_PUT and count:
                break
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    async def _put_batch(self, requests: Sequence[_WaitingRequest]) -> None:
        together = [completion for completions, _ in requests for completion in completions]
        failure: Exception | None = None
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._put, together)
        except Exception as error:  # noqa: BLE001 -- those who wait learn of it, and raise it
            failure = error
        for _, kept in requests:
            if kept.done():  # the request was cancelled
                continue
            if failure is None:
                kept.set_result(None)
            elif isinstance(failure, OutboxUnavailable):
                kept.set_exception(OutboxUnavailable(str(failure)))
            else:
                kept.set_exception(failure)
