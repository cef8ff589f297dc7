"""Errors as problem details (RFC 9457), whatever goes wrong and wherever."""

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
RETRY_AFTER: Final = 5
"""Seconds after which to try again, where nothing better is known."""

LONGEST_WAIT: Final = 600
"""Seconds that a caller is asked to wait at most."""

_log: Final = logging.getLogger(__name__)


class Problem(Exception):
    """Ends a request with problem details.

    Args:
        status: HTTP status code.
        detail: what is wrong, for the caller; holds nothing that they did not send or may not know.
        headers: of the response.
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
        """The response."""
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
    """The caller may not do this; the same words whether or not there is such a learner."""
    return Problem(403, "this key or token is not for this")


def unavailable(what: str, retry_after: float | None = None) -> Problem:
    """Nothing was done; try again later."""
    wait = min(max(math.ceil(retry_after or RETRY_AFTER), 1), LONGEST_WAIT)
    return Problem(503, what, {"Retry-After": str(wait)})


def install(app: FastAPI) -> None:
    """Make every error of the application a problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(OutboxUnavailable, _outbox)
    app.add_exception_handler(BeingDelivered, _being_delivered)
    app.add_exception_handler(StoreUnavailable, _store)
    app.add_exception_handler(StoreMisconfigured, _misconfigured)


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 -- what it is registered for; so below
    return error.response()


async def _http(_: Request, error: Exception) -> Response:
    """No such route, or method."""
    assert isinstance(error, HTTPException)  # noqa: S101
    phrase = HTTPStatus(error.status_code).phrase
    return Problem(error.status_code, f"{phrase.lower()}; see /docs", error.headers).response()


async def _invalid(_: Request, error: Exception) -> Response:
    """A parameter in the URL; its value is not repeated."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    errors = [
        {"field": str(item["loc"][-1]), "rule": str(item["msg"])[:200]} for item in error.errors()
    ]
    return Problem(422, "a parameter breaks a rule", errors=errors).response()


async def _gone(_: Request, __: Exception) -> Response:
    return Problem(400, "the body ended before it was complete").response()


async def _outbox(_: Request, error: Exception) -> Response:
    event(_log, logging.ERROR, "outbox_unavailable", reason=str(error))
    return unavailable("nothing is accepted now; send it again later").response()


async def _store(_: Request, error: Exception) -> Response:
    assert isinstance(error, StoreUnavailable)  # noqa: S101
    event(_log, logging.WARNING, "store_unavailable", reason=str(error))
    return unavailable("the store does not answer now", error.retry_after).response()


async def _being_delivered(_: Request, error: Exception) -> Response:
    return unavailable(str(error)).response()


async def _misconfigured(_: Request, error: Exception) -> Response:
    event(_log, logging.ERROR, "store_misconfigured", reason=str(error))
    return unavailable("the store cannot be used until somebody mends it", 60).response()
