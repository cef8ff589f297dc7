"""``GET /v1/key`` and ``POST /v1/guests``: what a caller may do, and how a page gets a learner."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import APIRouter, Request, Response

from bridge import __version__
from bridge.config import ServiceSettings
from bridge.json_format import isoformat
from bridge.model import Identity, Origin
from bridge.service import openapi
from bridge.service.auth.callers import ServerCaller, authenticated_caller
from bridge.service.auth.keys import KeyRight
from bridge.service.auth.rate_limits import RateLimiter
from bridge.service.http.problems import Problem
from bridge.service.routes import json_response
from bridge.tokens import MAX_LIFETIME_SECONDS, Tokens

router: Final = APIRouter(tags=["callers"])


@router.get(
    "/v1/key",
    summary="What this key or token is for",
    response_model=openapi.ServerKeyInfo | openapi.LearnerTokenInfo,
    responses=openapi.problems(401, 429),
    openapi_extra=openapi.SECURED,
)
async def get_key(request: Request) -> Response:
    """Tell what the key or token may do.

    For a page that tests a connection, and for a page that wants to know who its learner is.
    """
    caller = await authenticated_caller(request)
    if isinstance(caller, ServerCaller):
        key = caller.key
        return json_response(
            {
                "kind": "server",
                "name": key.name,
                "origins": [origin for origin in Origin if origin in key.origins],
                "rights": [right for right in KeyRight if right in key.rights],
                "version": __version__,
            }
        )
    token = caller.token
    return json_response(
        {
            "kind": "learner",
            "origin": token.identity.origin,
            "external_user_id": token.identity.external_user_id,
            "grains": None if token.grains is None else sorted(token.grains),
            "expires_at": isoformat(token.expires_at),
            "version": __version__,
        }
    )


@router.post(
    "/v1/guests",
    status_code=201,
    summary="Make a new guest of the direct site",
    response_model=openapi.Guest,
    responses=openapi.problems(403, 404, 429),
)
async def post_guest(request: Request) -> Response:
    """Make a guest whom nobody has seen, and a token that makes its bearer this guest.

    For the pages of the configured sites, where guests are allowed.
    """
    settings: ServiceSettings = request.app.state.settings.service
    if not settings.guests:
        raise Problem(404, "guests are not allowed here")
    if request.headers.get("origin") not in settings.sites:
        raise Problem(403, "not from a page of a site that may make guests")
    rate_limiter: RateLimiter = request.app.state.rate_limiter
    await rate_limiter.count_address(request)
    tokens: Tokens = request.app.state.tokens
    guest = Identity(Origin.DIRECT, uuid.uuid4())
    expires = datetime.now(UTC) + timedelta(seconds=MAX_LIFETIME_SECONDS)
    return json_response(
        {
            "token": tokens.issue(guest, lifetime=MAX_LIFETIME_SECONDS),
            "external_user_id": guest.external_user_id,
            "expires_at": isoformat(expires),
        },
        201,
    )
