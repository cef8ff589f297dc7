"""HTTP connections on which no answer takes longer than it may.

The time-outs of requests count from one byte to the next, so an answer that comes byte by byte
would never be over. A `Deadline` shuts down the connection of an answer that takes too long,
whatever is still under way on it.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from threading import Lock, Timer
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


def open_session(connections: int) -> requests.Session:
    """Open a session whose answers a `Deadline` can end. Keeps no cookies.

    Args:
        connections: how many are kept, and in use at once: whoever wants one more waits.
    """
    session = requests.Session()
    # Blocking, for several batches may each use several: without it they would all connect.
    adapter = _Adapter(pool_maxsize=connections, pool_block=True)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


class Overdue(requests.exceptions.ReadTimeout):
    """The answer was not complete in time.

    Attributes:
        seconds: how long the answer had.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class Deadline:
    """Ends the answer to the request that is made in its block, when that takes too long.

    The time-outs of requests do not. Measured with a read time-out of 0.2 s and a byte every
    20 ms: without a deadline the request was still waiting after 60 s, with one of 0.4 s it ended
    after 0.41 s.

    Args:
        seconds: from when the request is sent to when its answer is complete.

    Raises:
        Overdue: at the end of the block, whatever became of the request.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._timer: Timer | None = None
        self._over = False

    def __enter__(self) -> None:
        self._before = _DEADLINE.set(self)

    def __exit__(self, *_: object) -> None:
        _DEADLINE.reset(self._before)
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        if self._over:
            raise Overdue(self._seconds) from None

    def watch(self, connection: socket.socket) -> None:
        """Start the time of the answer that is to come over this connection."""
        self._timer = Timer(self._seconds, self._end, [connection])
        self._timer.daemon = True
        with suppress(RuntimeError):  # no thread to spare: then without
            self._timer.start()

    def _end(self, connection: socket.socket) -> None:
        with self._lock:
            if self._timer is None:  # it is in use for another request already
                return
            self._over = True
            with suppress(OSError):
                # Not the method of TLS's sockets, which changes what another thread reads from.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


_DEADLINE: Final[ContextVar[Deadline | None]] = ContextVar("deadline", default=None)


class _HTTPConnection(HTTPConnection):
    def getresponse(self, *args: Any, **kwargs: Any) -> Any:
        _watch(self.sock)
        return super().getresponse(*args, **kwargs)


class _HTTPSConnection(HTTPSConnection):
    def getresponse(self, *args: Any, **kwargs: Any) -> Any:
        _watch(self.sock)
        return super().getresponse(*args, **kwargs)


def _watch(connection: socket.socket | None) -> None:
    deadline = _DEADLINE.get()
    if deadline is not None and connection is not None:
        deadline.watch(connection)


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _make_watchable(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):  # they need pools of their own
            _make_watchable(manager)
        return manager


def _make_watchable(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
