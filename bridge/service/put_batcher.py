"""One commit for all requests that wait for one.

The outbox shares commits among threads. With a thread for each request, though, most of the time
would go into waking threads: so requests gather here, on the event loop, and one thread puts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from bridge.errors import OutboxUnavailable
from bridge.model import Completion

MOST: Final = 5_000
"""Completions in one put, unless one request alone brings more."""

_Share = tuple[Sequence[Completion], asyncio.Future[None]]


class Acceptor:
    """Puts the completions of concurrent requests into the outbox together.

    Args:
        put: accepts completions durably, all or none (`Outbox.put`); called in a thread.
    """

    def __init__(self, put: Callable[[list[Completion]], None]) -> None:
        self._put = put
        self._waiting: list[_Share] = []
        self._putting: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "progress-bridge-put")

    async def accept(self, completions: Sequence[Completion]) -> None:
        """Return when the completions are kept through any crash.

        Raises:
            OutboxUnavailable: they are not accepted; as for everybody who shared the put.
        """
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((completions, kept))
        if self._putting is None:
            self._putting = asyncio.create_task(self._work())
        await kept

    def close(self) -> None:
        """End the thread, once what is under way has ended."""
        self._thread.shutdown(wait=False)

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._put_together(self._take())
        finally:
            self._putting = None

    def _take(self) -> list[_Share]:
        """Those who came first, as many as go into one put."""
        size = count = 0
        for completions, _ in self._waiting:
            size += len(completions)
            if size > MOST and count:
                break
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    async def _put_together(self, shares: Sequence[_Share]) -> None:
        together = [completion for completions, _ in shares for completion in completions]
        failure: Exception | None = None
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._put, together)
        except Exception as error:  # noqa: BLE001 -- those who wait learn of it, and raise it
            failure = error
        for _, kept in shares:
            if kept.done():  # the request was cancelled
                continue
            if failure is None:
                kept.set_result(None)
            elif isinstance(failure, OutboxUnavailable):
                kept.set_exception(OutboxUnavailable(str(failure)))
            else:
                kept.set_exception(failure)
