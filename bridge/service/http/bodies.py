"""Request bodies, read within bounds and parsed as JSON."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import orjson
from fastapi import Request

from bridge.service.http.problems import Problem
from bridge.support.nesting import TooDeep, check_json

MAX_BODY_BYTES: Final = 1_048_576
"""Bytes of a body at most."""

BODY_TIMEOUT_SECONDS: Final = 30.0
"""Seconds in which a body has to arrive."""

_CLOSE_CONNECTION: Final = {"Connection": "close"}
"""Keeps the server from reading the rest of the body to its end, for the sake of a next request."""


async def read_json(request: Request, *, optional: bool = False) -> Any:
    """Read the body of a request, and parse it as JSON.

    orjson refuses lone surrogates and NaN. Of a name that occurs twice in an object the last one
    counts.

    Returns:
        What the body says, or None where it is ``optional`` and empty.

    Raises:
        Problem: 400 no JSON, 408 too slow, 413 too large, 415 not sent as JSON.
    """
    _check_type(request)
    body = await _read(request)
    if optional and not body:
        return None
    try:
        check_json(body.decode())
        return orjson.loads(body)
    except TooDeep as error:
        raise Problem(400, f"the body is {error}") from None
    except ValueError:
        raise Problem(400, "the body is not JSON in UTF-8") from None


def _check_type(request: Request) -> None:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, "a compressed body is not taken", {"Accept-Encoding": "identity"})
    kind = request.headers.get("content-type", "application/json")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "the body has to be application/json")


async def _read(request: Request) -> bytes:
    """Read the body, never more of it than is allowed, whatever its length claims."""
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > MAX_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise _too_large()
    except TimeoutError:
        detail = f"the body did not arrive within {BODY_TIMEOUT_SECONDS:.0f} s"
        raise Problem(408, detail, _CLOSE_CONNECTION) from None
    return bytes(body)


def _too_large() -> Problem:
    return Problem(413, "the body is over 1 MB; send fewer completions at once", _CLOSE_CONNECTION)
