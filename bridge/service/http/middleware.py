"""Gives every request security headers, a line in the access log and metrics.

An exception that nobody handles becomes a problem instead of a traceback. A HEAD is answered as the
GET would be, without the body (RFC 9110, 9.3.2): monitors and proxies ask so.
"""

from __future__ import annotations

import logging
import time
import traceback
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.service.http.metrics import REQUESTS, RESPONSE_SECONDS
from bridge.service.http.problems import Problem
from bridge.support.logs import event

SECURITY_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every response that does not set its own.

Strict-Transport-Security is for the proxy to set.
"""

_RAW_SECURITY_HEADERS: Final = [
    (name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()
]

access_log: Final = logging.getLogger("bridge.service.access")
_log: Final = logging.getLogger(__name__)


class RequestMiddleware:
    """The outermost layer of the application, around every request.

    The log shows the route, not the URL: a URL holds a learner's id. Nor does it show an address.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        method, status = scope["method"], 0
        if method == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)

        async def send_secured(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_security_headers(message)
                if status == HTTPStatus.METHOD_NOT_ALLOWED:
                    _allow_head(message)
            await send(message)

        try:
            await self._app(scope, receive, send_secured)
        except Exception as error:  # noqa: BLE001 -- a bug: the caller gets a problem, the log where
            _log_bug(scope, error)
            if not status:
                problem = Problem(500, "this is a bug; the log tells more").response()
                await problem(scope, receive, send_secured)
        finally:
            _count_and_log(scope, method, status, time.perf_counter() - start)


def _without_body(send: Send) -> Send:
    """Return a function that sends what it is given, but for the bytes of the body."""

    async def send_head(message: Message) -> None:
        await send({**message, "body": b""} if "body" in message else message)

    return send_head


def _add_security_headers(message: Message) -> None:
    given = {name.lower() for name, _ in message["headers"]}
    missing = [header for header in _RAW_SECURITY_HEADERS if header[0] not in given]
    message["headers"] = [*message["headers"], *missing]


def _allow_head(message: Message) -> None:
    """Say that HEAD is allowed wherever GET is, of which no route knows."""
    message["headers"] = [
        (name, b"GET, HEAD" if (name, value) == (b"allow", b"GET") else value)
        for name, value in message["headers"]
    ]


def _log_bug(scope: Scope, error: Exception) -> None:
    """Log the type and the place of an exception, not its text, which may hold anything."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename}:{frame.lineno}"
    route = _route_pattern(scope)
    event(_log, logging.ERROR, "bug", exception=type(error).__name__, at=where, route=route)


def _count_and_log(scope: Scope, method: str, status: int, seconds: float) -> None:
    route = _route_pattern(scope)
    method = method if route != "-" else "-"
    requests, times = _labelled_metrics(method, route, status)
    requests.inc()
    times.observe(seconds)
    fields: dict[str, Any] = {
        "method": method,
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 1),
        "caller": scope.get("bridge.caller"),
    }
    event(access_log, logging.INFO, "request", **fields)


@lru_cache(maxsize=512)
def _labelled_metrics(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Return the counter and the histogram of these labels.

    They are looked up once: to find them takes longer than to count.
    """
    return REQUESTS.labels(method, route, str(status)), RESPONSE_SECONDS.labels(route)


def _route_pattern(scope: Scope) -> str:
    """Return the pattern of the request's route, or ``-`` where there is none."""
    return str(getattr(scope.get("route"), "path", "-"))
