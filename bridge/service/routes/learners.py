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
from bridge.service.auth.callers import Server, calling
from bridge.service.auth.keys import Right
from bridge.service.http.bodies import read_json
from bridge.service.http.problems import Problem
from bridge.service.routes import answer

router: Final = APIRouter(prefix="/v1/learners/{origin}/{external_user_id}", tags=["learners"])

PAGE: Final = 100
LARGEST_PAGE: Final = 1_000

_LAST: Final = datetime.max.replace(tzinfo=UTC)
_Key = tuple[datetime, str]

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
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = PAGE,
    after: Annotated[str | None, Query(description="`next` of the page before.")] = None,
) -> Response:
    """Earliest first; nothing for a learner nobody has seen. What still waits is not in it.

    With a learner token: the grains that it is good for.
    """
    caller = await calling(request)
    who = caller.learner(Right.READ, origin, external_user_id)
    start = _key_of(after) if after else None
    rows = await run_sync(_bridge(request).store.progress, who)
    if not isinstance(caller, Server):
        rows = [row for row in rows if caller.token.allows(row.grain_id)]
    rows.sort(key=_key)
    if start:
        rows = [row for row in rows if _key(row) > start]
    page = rows[:limit]
    following = _cursor(page[-1]) if len(rows) > limit else None
    return answer({"items": [progress_as_json(row) for row in page], "next": following})


@router.put(
    "",
    summary="Get the learner's row, or create it",
    response_model=openapi.LearnerRow,
    responses=openapi.problems(400, 401, 403, 408, 413, 415, 422, 429, 503),
    openapi_extra=openapi.SECURED | openapi.body(openapi.LearnerBody, required=False),
)
async def put_learner(request: Request, origin: _Origin, external_user_id: _Id) -> Response:
    """Recording a completion does so, too: for who wants a learner to be there before."""
    caller = await calling(request)
    who = caller.learner(Right.WRITE, origin, external_user_id)
    email = _email(who, await read_json(request, optional=True))
    learner = await run_sync(_bridge(request).store.learner, who, email)
    return answer(
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
    """For a learner's right to their data. Not with a learner token."""
    caller = await calling(request)
    if not isinstance(caller, Server):
        raise Problem(403, "this needs a server key")
    who = caller.learner(Right.READ, origin, external_user_id)
    found = await run_sync(_bridge(request).store.export, who)
    if found is None:
        raise Problem(404, "nothing is kept of this learner")
    return answer(found)


@router.delete(
    "",
    status_code=204,
    summary="Erase the learner",
    responses=openapi.problems(401, 403, 422, 429, 503),
    openapi_extra=openapi.SECURED,
)
async def delete_learner(request: Request, origin: _Origin, external_user_id: _Id) -> Response:
    """With their progress and what still waits; 204 as well when there was nothing.

    503 when completions of theirs are still being delivered after two seconds, for they would
    arrive afterwards: ask again until it is 204.
    """
    caller = await calling(request)
    who = caller.learner(Right.ERASE, origin, external_user_id)
    await run_sync(_bridge(request).erase, who.origin, who.external_user_id)
    return Response(status_code=204)


def _bridge(request: Request) -> Bridge:
    bridge: Bridge = request.app.state.bridge
    return bridge


def _email(who: Identity, body: Any) -> str | None:
    """The body's e-mail address, under the rules of a completion's."""
    if body is None:
        return None
    if not isinstance(body, dict) or not body.keys() <= {"email"}:
        raise Problem(422, 'the body is neither empty nor {"email": …}')
    try:
        return Completion(who, "-", email=body.get("email")).email
    except InvalidCompletion as error:
        errors = [{"field": "email", "rule": error.rule, "code": error.code}]
        raise Problem(422, "the e-mail address breaks a rule", errors=errors) from None


def _key(row: Progress) -> _Key:
    """Where a row stands in the record, and stays when others come in between."""
    return row.completed_at or _LAST, row.grain_id


def _cursor(row: Progress) -> str:
    when, grain = _key(row)
    return base64.urlsafe_b64encode(orjson.dumps([when.isoformat(), grain])).decode().rstrip("=")


def _key_of(cursor: str) -> _Key:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        when, grain = orjson.loads(text)
        instant = parse_instant(when)
        if not isinstance(grain, str) or instant.utcoffset() is None:
            raise ValueError(cursor)
    except (ValueError, TypeError, binascii.Error):
        raise Problem(422, "after: not the `next` of a page") from None
    return instant, grain
