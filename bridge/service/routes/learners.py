"""``/v1/learners/…``: a learner's record, and the learner's rights."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import orjson
from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request, Response

from bridge.errors import InvalidCompletion
from bridge.facade import Bridge
from bridge.json_format import isoformat, parse_instant, progress_as_json
from bridge.model import Completion, Identity, Origin, Progress
from bridge.service import openapi
from bridge.service.auth.callers import ServerCaller, authenticated_caller
from bridge.service.auth.keys import KeyRight
from bridge.service.http.bodies import read_json
from bridge.service.http.problems import Problem
from bridge.service.routes import json_response

router: Final = APIRouter(prefix="/v1/learners/{origin}/{external_user_id}", tags=["learners"])

DEFAULT_PAGE_ROWS: Final = 100
MAX_PAGE_ROWS: Final = 1_000

_AFTER_ALL: Final = datetime.max.replace(tzinfo=UTC)
_Position = tuple[datetime, str]

# Plain strings: what they may hold is for `Identity` to say, once it is known who asks.
_Origin = Annotated[str, Path(json_schema_extra={"enum": [str(o) for o in Origin]})]
_Id = Annotated[str, Path(examples=["12345"])]


@router.get(
    "/progress",
    summary="What the learner has finished",
    response_model=openapi.ProgressPage,
    responses=openapi.problems(401, 403, 422, 429, 503),
    openapi_extra=openapi.SECURED,
)
async def get_progress(
    request: Request,
    origin: _Origin,
    external_user_id: _Id,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE_ROWS)] = DEFAULT_PAGE_ROWS,
    after: Annotated[str | None, Query(description="`next` of the page before.")] = None,
) -> Response:
    """Return a page of the learner's record, earliest first.

    It is empty for a learner nobody has seen. What still waits is not in it. With a learner token
    it holds only the grains that the token is good for.
    """
    caller = await authenticated_caller(request)
    who = caller.learner_in_url(KeyRight.READ, origin, external_user_id)
    start = _position_of(after) if after else None
    rows = await run_sync(_bridge(request).store.progress, who)
    if not isinstance(caller, ServerCaller):
        rows = [row for row in rows if caller.token.allows(row.grain_id)]
    rows.sort(key=_position)
    if start:
        rows = [row for row in rows if _position(row) > start]
    page = rows[:limit]
    following = _cursor(page[-1]) if len(rows) > limit else None
    return json_response({"items": [progress_as_json(row) for row in page], "next": following})


@router.put(
    "",
    summary="Get the learner's row, or create it",
    response_model=openapi.LearnerRow,
    responses=openapi.problems(400, 401, 403, 408, 413, 415, 422, 429, 503),
    openapi_extra=openapi.SECURED | openapi.body(openapi.LearnerBody, required=False),
)
async def put_learner(request: Request, origin: _Origin, external_user_id: _Id) -> Response:
    """Return the learner's row, and create it when there is none.

    Recording a completion creates it, too. This is for a platform that wants the learner to be
    there before.
    """
    caller = await authenticated_caller(request)
    who = caller.learner_in_url(KeyRight.WRITE, origin, external_user_id)
    email = _email(who, await read_json(request, optional=True))
    learner = await run_sync(_bridge(request).store.learner, who, email)
    return json_response(
        {
            "origin": str(who.origin),
            "external_user_id": who.external_user_id,
            "date_creation": isoformat(learner.date_creation),
        }
    )


@router.get(
    "/export",
    summary="All that is kept of the learner",
    response_model=openapi.Export,
    responses=openapi.problems(401, 403, 404, 422, 429, 503),
    openapi_extra=openapi.SECURED,
)
async def get_export(request: Request, origin: _Origin, external_user_id: _Id) -> Response:
    """Return all that is kept of the learner, for their right to their data.

    It needs a server key.
    """
    caller = await authenticated_caller(request)
    if not isinstance(caller, ServerCaller):
        raise Problem(403, "this needs a server key")
    who = caller.learner_in_url(KeyRight.READ, origin, external_user_id)
    found = await run_sync(_bridge(request).store.export, who)
    if found is None:
        raise Problem(404, "nothing is kept of this learner")
    return json_response(found)


@router.delete(
    "",
    status_code=204,
    summary="Erase the learner",
    responses=openapi.problems(401, 403, 422, 429, 503),
    openapi_extra=openapi.SECURED,
)
async def delete_learner(request: Request, origin: _Origin, external_user_id: _Id) -> Response:
    """Erase the learner, their progress and what still waits.

    It is 204 as well when there was nothing. It is 503 when completions of theirs are still being
    delivered after two seconds, for they would arrive afterwards: ask again until it is 204.
    """
    caller = await authenticated_caller(request)
    who = caller.learner_in_url(KeyRight.ERASE, origin, external_user_id)
    await run_sync(_bridge(request).erase, who.origin, who.external_user_id)
    return Response(status_code=204)


def _bridge(request: Request) -> Bridge:
    bridge: Bridge = request.app.state.bridge
    return bridge


def _email(who: Identity, body: Any) -> str | None:
    """Return the body's e-mail address, under the rules of a completion's.

    Raises:
        Problem: 422, the address breaks a rule, or the body has a wrong shape.
    """
    if body is None:
        return None
    if not isinstance(body, dict) or not body.keys() <= {"email"}:
        raise Problem(422, 'the body is neither empty nor {"email": …}')
    try:
        return Completion(who, "-", email=body.get("email")).email
    except InvalidCompletion as error:
        errors = [{"field": "email", "rule": error.rule, "code": error.code}]
        raise Problem(422, "the e-mail address breaks a rule", errors=errors) from None


def _position(row: Progress) -> _Position:
    """Return where a row stands in the record, which stays when others come in between."""
    return row.completed_at or _AFTER_ALL, row.grain_id


def _cursor(row: Progress) -> str:
    when, grain = _position(row)
    return base64.urlsafe_b64encode(orjson.dumps([when.isoformat(), grain])).decode().rstrip("=")


def _position_of(cursor: str) -> _Position:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        when, grain = orjson.loads(text)
        instant = parse_instant(when)
        if not isinstance(grain, str) or instant.utcoffset() is None:
            raise ValueError(cursor)
    except (ValueError, TypeError, binascii.Error):
        raise Problem(422, "after: not the `next` of a page") from None
    return instant, grain
