"""Around every request: security headers, a line in the access log, metrics, and no traceback."""

from __future__ import annotations

import logging
import time
import traceback
from functools import lru_cache
from typing import Any, Final

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.service.http.metrics import REQUESTS, SECONDS
from bridge.service.http.problems import Problem
from bridge.support.logs import event

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every response that does not say otherwise. Strict-Transport-Security is the proxy's."""

_RAW: Final = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

access: Final = logging.getLogger("bridge.service.access")
_log: Final = logging.getLogger(__name__)


class Around:
    """The outermost layer.

    The log shows the route, not the URL: a URL holds a learner's id. Nor does it show an address.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _secure(message)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:  # noqa: BLE001 -- a bug: the caller gets a problem, the log where
            _tell(scope, error)
            if not status:
                await Problem(500, "this is a bug; the log tells more").response()(
                    scope, receive, sending
                )
        finally:
            _count(scope, status, time.perf_counter() - start)


def _secure(message: Message) -> None:
    given = {name.lower() for name, _ in message["headers"]}
    message["headers"] = [*message["headers"], *(h for h in _RAW if h[0] not in given)]


def _tell(scope: Scope, error: Exception) -> None:
    """Where it happened and what it was; not its text, which may hold anything."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename}:{frame.lineno}"
    event(_log, logging.ERROR, "bug", exception=type(error).__name__, at=where, route=_route(scope))


def _count(scope: Scope, status: int, seconds: float) -> None:
    route = _route(scope)
    method = scope["method"] if route != "-" else "-"
    requests, times = _series(method, route, status)
    requests.inc()
    times.observe(seconds)
    fields: dict[str, Any] = {
        "method": method,
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 1),
        "caller": scope.get("bridge.caller"),
    }
    event(access, logging.INFO, "request", **fields)


@lru_cache(maxsize=512)
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Looked up once: to find them takes longer than to count."""
    return REQUESTS.labels(method, route, str(status)), SECONDS.labels(route)


def _route(scope: Scope) -> str:
    """The route's pattern; ``-`` where there is none."""
    return str(getattr(scope.get("route"), "path", "-"))
