"""A TCP proxy between the bridge and Directus that misbehaves on demand.

It knows just enough HTTP/1.1 to see where a request and its answer end, and keeps connections
alive as a real reverse proxy does.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final, Self

from tests.servers.process import HOST, HeldPort

_LINGER_NOT: Final = struct.pack("ii", 1, 0)
"""``struct linger``, on, 0 s: closing sends a reset instead of a polite end."""

_PAGE: Final = b"<!DOCTYPE html><html><body><h1>%b</h1></body></html>"
_SLOW_BYTES: Final = 24
_SLOW_PAUSE: Final = 0.05


class Cut(Exception):
    """This connection ends here."""


@dataclass(frozen=True)
class Message:
    """A request or an answer, as it goes over the wire."""

    head: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        """Return head and body."""
        return self.head + self.body


@dataclass
class Exchange:
    """One request whose head has come, and where it came from and goes to."""

    head: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    upstream: Upstream
    still: Callable[[], bool]
    """Whether the time of misbehaving is not over yet."""

    async def request(self) -> Message:
        """Read all of the request."""
        return Message(self.head, await read_body(self.head, self.reader))

    async def carry_out(self) -> Message:
        """Let Directus do what is asked, and return its answer."""
        return await self.upstream.forward(await self.request())

    async def answer(self, message: Message) -> None:
        """Send it to the client."""
        self.writer.write(message.raw)
        await self.writer.drain()

    def reset(self) -> None:
        """Cut the client's connection the hard way."""
        cut(self.writer)
        raise Cut

    async def hang(self) -> None:
        """Say nothing until the client gives up."""
        await self.reader.read()
        raise Cut


Misbehaviour = Callable[[Exchange], Awaitable[None]]


def page(status: str, title: str, *headers: str) -> Message:
    """Make an answer in HTML, as proxies and login portals give it."""
    body = _PAGE % title.encode()
    lines = [
        f"HTTP/1.1 {status}",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return Message("\r\n".join([*lines, "", ""]).encode(), body)


async def behave(exchange: Exchange) -> None:
    """Pass the request on, and the answer back."""
    await exchange.answer(await exchange.carry_out())


async def reset_mid_request(exchange: Exchange) -> None:
    """Cut the connection while the body of the request is on its way."""
    exchange.reset()


async def reset_mid_response(exchange: Exchange) -> None:
    """Let Directus do what is asked, then cut the connection halfway through the answer."""
    answer = await exchange.carry_out()
    exchange.writer.write(answer.raw[: len(answer.raw) // 2])
    exchange.reset()


async def lose_answer(exchange: Exchange) -> None:
    """Let Directus do what is asked, and send not one byte of the answer."""
    await exchange.carry_out()
    await exchange.hang()


async def stay_silent(exchange: Exchange) -> None:
    """Accept the request, do nothing with it and say nothing."""
    await exchange.hang()


async def trickle(exchange: Exchange) -> None:
    """Send the answer a few bytes at a time, the rest of it when the time is over."""
    raw = (await exchange.carry_out()).raw
    sent = 0
    while sent < len(raw):
        size = _SLOW_BYTES if exchange.still() else len(raw)
        exchange.writer.write(raw[sent : sent + size])
        await exchange.writer.drain()
        await asyncio.sleep(_SLOW_PAUSE)
        sent += size


async def halve_json(exchange: Exchange) -> None:
    """Let Directus do what is asked, and send half the body, in a well-formed answer."""
    answer = await exchange.carry_out()
    half = answer.body[: len(answer.body) // 2]
    lines = [
        line
        for line in answer.head.split(b"\r\n")
        if not line.lower().startswith((b"content-length", b"transfer-encoding"))
    ]
    lines.insert(1, b"Content-Length: %d" % len(half))
    await exchange.answer(Message(b"\r\n".join(lines), half))


def instead(message: Message) -> Misbehaviour:
    """Give this answer, and let Directus see nothing of the request."""

    async def give(exchange: Exchange) -> None:
        await exchange.request()
        await exchange.answer(message)

    return give


def after(message: Message) -> Misbehaviour:
    """Give this answer after Directus did what was asked, as a proxy that timed out does."""

    async def give(exchange: Exchange) -> None:
        await exchange.carry_out()
        await exchange.answer(message)

    return give


class Proxy:
    """Listens on a loopback port and passes on to another. A context manager.

    Args:
        upstream: the port that Directus listens on.
    """

    def __init__(self, upstream: int) -> None:
        self._held = HeldPort()  # when we do not listen, connections are refused
        self.port = self._held.number
        self.upstream = upstream
        self.struck = 0
        self._misbehaviour: Misbehaviour | None = None
        self._share = 1.0
        self._random = random.Random()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._listening: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Return what the bridge is told is Directus's URL."""
        return f"http://{HOST}:{self.port}"

    @contextlib.contextmanager
    def misbehaving(
        self, misbehaviour: Misbehaviour, share: float = 1.0, seed: int = 0
    ) -> Iterator[None]:
        """Let a share (0 to 1) of the requests meet this instead of Directus, for a time.

        How many did is told by ``struck``.
        """
        self._share, self._random = share, random.Random(seed)
        self.struck = 0
        self._misbehaviour = misbehaviour
        try:
            yield
        finally:
            self._misbehaviour = None

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Let nobody listen for a time, and break the connections there are."""
        self._do(self._stop_listening())
        try:
            yield
        finally:
            self._do(self._listen())

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._stop_listening())
        self._do(self._end_exchanges())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._held.close()
        self._loop.close()

    def _do(self, step: Awaitable[None]) -> None:
        """Run one step in the proxy's own thread, to its end."""

        async def run() -> None:
            await step

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(30)

    async def _listen(self) -> None:
        self._listening = await asyncio.start_server(self._serve, HOST, self.port)

    async def _stop_listening(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        for writer in list(self._clients):
            cut(writer)
        await asyncio.sleep(0)

    async def _end_exchanges(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        upstream = Upstream(self.upstream)
        try:
            while head := await read_head(reader):
                await self._choose()(Exchange(head, reader, writer, upstream, self._misbehaves))
        except (Cut, OSError, asyncio.IncompleteReadError):
            cut(writer)
        except asyncio.CancelledError:
            cut(writer)
            raise
        finally:
            self._clients.discard(writer)
            upstream.close()
            writer.close()

    def _misbehaves(self) -> bool:
        return self._misbehaviour is not None

    def _choose(self) -> Misbehaviour:
        misbehaviour = self._misbehaviour
        if misbehaviour is None or self._random.random() >= self._share:
            return behave
        self.struck += 1
        return misbehaviour


class Upstream:
    """The connection to Directus that belongs to one client's connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def forward(self, request: Message) -> Message:
        """Pass the request on, and return Directus's answer.

        Raises:
            Cut: there is none.
        """
        try:
            reader, writer = await self._connected()
            writer.write(request.raw)
            await writer.drain()
            if head := await read_head(reader):
                return Message(head, await read_body(head, reader))
        except (OSError, asyncio.IncompleteReadError):
            pass
        raise Cut

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return the kept connection, or another where Directus has closed it for being idle."""
        if self._streams is None or self._streams[0].at_eof():
            self.close()
            self._streams = await asyncio.open_connection(HOST, self._port)
        return self._streams

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._streams is not None:
            self._streams[1].close()


async def read_head(reader: asyncio.StreamReader) -> bytes:
    """Read the head of the next message, empty when the connection has ended before it.

    Raises:
        asyncio.IncompleteReadError: it ended in the middle.
    """
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return b""


async def read_body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    """Read the body that follows the head, framing included.

    Raises:
        asyncio.IncompleteReadError: the connection ended in the middle.
    """
    lines = head.lower().split(b"\r\n")
    headers = dict(line.split(b":", 1) for line in lines[1:] if b":" in line)
    if b"chunked" in headers.get(b"transfer-encoding", b""):
        return await _read_chunks(reader)
    return await reader.readexactly(int(headers.get(b"content-length", b"0")))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    """Read a chunked body, framing included."""
    parts = []
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        parts += [line, await reader.readexactly(size + 2)]
        if size == 0:
            return b"".join(parts)


def cut(writer: asyncio.StreamWriter) -> None:
    """Reset the connection."""
    raw = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    writer.transport.abort()
