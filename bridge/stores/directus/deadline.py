"""HTTP connections on which no answer takes longer than it may.

The time-outs of requests count from one byte to the next: an answer that comes byte by byte would
never be over. So the connection of an answer that takes too long is shut down, whatever is still
under way on it.
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
    """A session whose answers a `Deadline` can end. Keeps no cookies.

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
        seconds: what it had.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class Deadline:
    """Ends the answer to the request that is made in its block, when that takes too long.

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
        """From now on the time runs for what is to come over this connection."""
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
