"""Load over many kept connections, from one thread, as light as Python allows."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import uvloop

from tests.servers.process import HOST

_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_AGAIN: Final = 0.05

Source = Iterator[tuple[Any, bytes]]
"""Requests, each with what tells it from the others."""


@dataclass
class Load:
    """What came of it.

    Attributes:
        answers: what was sent and answered: its name, the status, the seconds it took.
        lost: what was sent and never answered.
        seconds: that all of it took.
    """

    answers: list[tuple[Any, int, float]] = field(default_factory=list)
    lost: list[Any] = field(default_factory=list)
    seconds: float = 0.0

    def named(self, status: int) -> list[Any]:
        """Return the names of what was answered with this status."""
        return [name for name, answered, _ in self.answers if answered == status]

    def percentile(self, share: float) -> float:
        """Return the seconds within which this share was answered."""
        times = sorted(seconds for _, _, seconds in self.answers)
        return times[min(int(share * len(times)), len(times) - 1)]


def post(path: str, body: bytes, token: str) -> bytes:
    """Return a request, ready to be sent."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def fire(port: int, source: Source, connections: int, *, until: float | None = None) -> Load:
    """Send all requests, over so many connections, one after the other on each.

    A connection that is refused or breaks is made again: the server may be killed.

    Args:
        port: of the loopback.
        source: taken from one thread.
        connections: open at once.
        until: `time.monotonic` at which to send no more; None to send them all.
    """
    load = Load()
    start = time.perf_counter()
    uvloop.run(_fire(port, source, connections, load, until))
    load.seconds = time.perf_counter() - start
    return load


async def _fire(
    port: int, source: Source, connections: int, load: Load, until: float | None
) -> None:
    def one() -> tuple[Any, bytes] | None:
        over = until is not None and time.monotonic() >= until
        return None if over else next(source, None)

    await asyncio.gather(*(_keep_on(port, one, load, until) for _ in range(connections)))


async def _keep_on(
    port: int, one: Callable[[], tuple[Any, bytes] | None], load: Load, until: float | None
) -> None:
    loop = asyncio.get_running_loop()
    while until is None or time.monotonic() < until:
        with suppress(OSError):
            _, connection = await loop.create_connection(lambda: _Connection(one, load), HOST, port)
            if await connection.finished:
                return
        await asyncio.sleep(_AGAIN)


class _Connection(asyncio.Protocol):
    def __init__(self, one: Callable[[], tuple[Any, bytes] | None], load: Load) -> None:
        self._one = one
        self._load = load
        self._buffer = b""
        self._name: Any = None
        self._sent = 0.0
        self._waiting = False
        self.finished: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _LENGTH.search(self._buffer, 0, head)
        if len(self._buffer) < head + 4 + (int(length[1]) if length else 0):
            return
        status = int(self._buffer[9:12])
        self._load.answers.append((self._name, status, time.perf_counter() - self._sent))
        self._buffer = b""
        self._waiting = False
        self._next()

    def connection_lost(self, _: Exception | None) -> None:
        if self._waiting:
            self._load.lost.append(self._name)
        if not self.finished.done():
            self.finished.set_result(False)

    def _next(self) -> None:
        request = self._one()
        if request is None:
            self.finished.set_result(True)
            self._transport.close()
            return
        self._name, body = request
        self._waiting = True
        self._sent = time.perf_counter()
        self._transport.write(body)
