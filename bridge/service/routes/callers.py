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
from bridge.service.auth.callers import Server, calling
from bridge.service.auth.keys import Right
from bridge.service.auth.rate_limits import Limits
from bridge.service.http.problems import Problem
from bridge.service.routes import answer
from bridge.tokens import LONGEST_LIFETIME, Tokens

router: Final = APIRouter(tags=["callers"])


@router.get(
    "/v1/key",
    summary="What this key or token is for",
    response_model=openapi.ServerKeyInfo | openapi.LearnerTokenInfo,
    responses=openapi.problems(401, 429),
    openapi_extra=openapi.SECURED,
)
async def get_key(request: Request) -> Response:
    """For a page that tests a connection, and for a page that wants to know who its learner is."""
    caller = await calling(request)
    if isinstance(caller, Server):
        key = caller.key
        return answer(
            {
                "kind": "server",
                "name": key.name,
                "origins": [origin for origin in Origin if origin in key.origins],
                "rights": [right for right in Right if right in key.rights],
                "version": __version__,
            }
        )
    token = caller.token
    return answer(
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
    """For the pages of the configured sites, where guests are allowed. It knows nobody."""
    settings: ServiceSettings = request.app.state.settings.service
    if not settings.guests:
        raise Problem(404, "guests are not allowed here")
    if request.headers.get("origin") not in settings.sites:
        raise Problem(403, "not from a page of a site that may make guests")
    limits: Limits = request.app.state.limits
    await limits.address(request)
    tokens: Tokens = request.app.state.tokens
    guest = Identity(Origin.DIRECT, uuid.uuid4())
    expires = datetime.now(UTC) + timedelta(seconds=LONGEST_LIFETIME)
    return answer(
        {
            "token": tokens.issue(guest, lifetime=LONGEST_LIFETIME),
            "external_user_id": guest.external_user_id,
            "expires_at": isoformat(expires),
        },
        201,
    )
