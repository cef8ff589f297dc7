"""``POST /v1/completions``: accepts completions into the outbox, which the service is for."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from bridge.model import Completion
from bridge.service import openapi
from bridge.service.auth.callers import authenticated_caller
from bridge.service.http.bodies import read_json
from bridge.service.http.metrics import REFUSED_COMPLETIONS
from bridge.service.http.problems import forbidden
from bridge.service.parsing import Refusal, items_of, parse_item
from bridge.service.put_batcher import PutBatcher
from bridge.service.routes import json_response

router: Final = APIRouter(tags=["completions"])

PATH: Final = "/v1/completions"

_ACCEPTED: Final = {"status": "accepted"}
_SOME_ACCEPTED: Final[dict[str, Any]] = {
    "model": openapi.Results,
    "description": "Some are accepted, some refused.",
}
_NONE_ACCEPTED: Final[dict[str, Any]] = {
    "description": "None is accepted, or the body has a wrong shape.",
    "content": openapi.problems(422)[422]["content"]
    | {"application/json": {"schema": {"$ref": "#/components/schemas/Results"}}},
}
_BODY: Final = openapi.body(
    openapi.Completion, required=True, many=True, examples=openapi.COMPLETION_BODIES
)


@router.post(
    PATH,
    status_code=202,
    summary="Accept one completion, or up to 1,000",
    response_model=openapi.Results,
    responses={
        207: _SOME_ACCEPTED,
        422: _NONE_ACCEPTED,
        **openapi.problems(400, 401, 403, 408, 413, 415, 429, 503),
    },
    openapi_extra=openapi.SECURED | _BODY,
)
async def post_completions(request: Request) -> Response:
    """Accept completions into the outbox, each on its own.

    What is accepted is on disk when the answer comes, and is delivered whatever happens.

    Sending a completion again does no harm: of several completions of a grain by a learner the
    earliest is kept. So no idempotency key is needed. A 403 or a 503 is of the whole request:
    nothing of it is accepted.
    """
    caller = await authenticated_caller(request)
    if not caller.may_write():
        raise forbidden()
    items = items_of(await read_json(request))
    found = [parse_item(item, caller) for item in items]
    accepted = [item for item in found if isinstance(item, Completion)]
    REFUSED_COMPLETIONS.inc(len(found) - len(accepted))
    if accepted:
        put_batcher: PutBatcher = request.app.state.put_batcher
        await put_batcher.accept(accepted)
    return json_response(_results(found, len(accepted)), _status(len(accepted), len(found)))


def _status(accepted: int, items: int) -> int:
    if accepted == items:
        return 202
    return 207 if accepted else 422


def _results(found: list[Completion | Refusal], accepted: int) -> dict[str, Any]:
    return {
        "accepted": accepted,
        "refused": len(found) - accepted,
        "results": [f.as_json() if isinstance(f, Refusal) else _ACCEPTED for f in found],
    }


class _FastRoute(Route):
    """A route of Starlette itself: FastAPI's costs a quarter of the time of a request."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        return match, {**found, "route": self}


class _Endpoint:
    """An ASGI application that answers the route.

    Errors are for the application around it, which handles them anyway.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await post_completions(Request(scope, receive))
        await response(scope, receive, send)


fast_route: Final = _FastRoute(PATH, _Endpoint(), methods=["POST"])
"""The route that answers. The router's own, which comes after it, is for the OpenAPI document."""
