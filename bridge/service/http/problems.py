"""Turns every error of the service into problem details (RFC 9457)."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from bridge.errors import BeingDelivered, OutboxUnavailable, StoreMisconfigured, StoreUnavailable
from bridge.support.logs import event

MEDIA_TYPE: Final = "application/problem+json"
DEFAULT_RETRY_AFTER_SECONDS: Final = 5
"""Seconds after which a caller is asked to try again, where nothing better is known."""

MAX_RETRY_AFTER_SECONDS: Final = 600
"""Seconds that a caller is asked to wait at most."""

_log: Final = logging.getLogger(__name__)


class Problem(Exception):
    """Ends a request with problem details.

    Args:
        status: HTTP status code.
        detail: what is wrong, for the caller. It holds nothing that they did not send or may not
            know.
        headers: headers of the response.
        errors: each thing that is wrong, where there are several.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.errors = errors

    def response(self) -> Response:
        """Return the problem as an HTTP response."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = list(self.errors)
        headers = dict(self.headers or {})
        return Response(orjson.dumps(body), self.status, headers, media_type=MEDIA_TYPE)


def forbidden() -> Problem:
    """Return the problem of a caller who may not do this.

    It says the same whether or not there is such a learner.
    """
    return Problem(403, "this key or token is not for this")


def unavailable(what: str, retry_after: float | None = None) -> Problem:
    """Return the problem that nothing was done, and that the caller may try again later.

    Args:
        what: what is unavailable, for the caller.
        retry_after: seconds to wait, None where they are not known. The caller is told 1 to
            `MAX_RETRY_AFTER_SECONDS`.
    """
    wait = max(math.ceil(retry_after or DEFAULT_RETRY_AFTER_SECONDS), 1)
    wait = min(wait, MAX_RETRY_AFTER_SECONDS)
    return Problem(503, what, {"Retry-After": str(wait)})


def add_handlers(app: FastAPI) -> None:
    """Add handlers to the application that make every error a problem."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_parameter)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(OutboxUnavailable, _on_outbox_unavailable)
    app.add_exception_handler(BeingDelivered, _on_being_delivered)
    app.add_exception_handler(StoreUnavailable, _on_store_unavailable)
    app.add_exception_handler(StoreMisconfigured, _on_store_misconfigured)


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 -- what it is registered for; so below
    return error.response()


async def _on_http_exception(_: Request, error: Exception) -> Response:
    """Answer that there is no such route, or method."""
    assert isinstance(error, HTTPException)  # noqa: S101
    phrase = HTTPStatus(error.status_code).phrase
    return Problem(error.status_code, f"{phrase.lower()}; see /docs", error.headers).response()


async def _on_invalid_parameter(_: Request, error: Exception) -> Response:
    """Answer that a parameter in the URL breaks a rule, without repeating its value."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    errors = [
        {"field": str(item["loc"][-1]), "rule": str(item["msg"])[:200]} for item in error.errors()
    ]
    return Problem(422, "a parameter breaks a rule", errors=errors).response()


async def _on_disconnect(_: Request, __: Exception) -> Response:
    return Problem(400, "the body ended before it was complete").response()


async def _on_outbox_unavailable(_: Request, error: Exception) -> Response:
    event(_log, logging.ERROR, "outbox_unavailable", reason=str(error))
    return unavailable("nothing is accepted now; send it again later").response()


async def _on_store_unavailable(_: Request, error: Exception) -> Response:
    assert isinstance(error, StoreUnavailable)  # noqa: S101
    event(_log, logging.WARNING, "store_unavailable", reason=str(error))
    return unavailable("the store does not answer now", error.retry_after).response()


async def _on_being_delivered(_: Request, error: Exception) -> Response:
    return unavailable(str(error)).response()


async def _on_store_misconfigured(_: Request, error: Exception) -> Response:
    event(_log, logging.ERROR, "store_misconfigured", reason=str(error))
    return unavailable("the store cannot be used until somebody mends it", 60).response()
