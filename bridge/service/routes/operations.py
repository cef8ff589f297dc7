"""``/healthz``, ``/readyz`` and ``/metrics``: for those who run the service."""

from __future__ import annotations

from typing import Final

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from bridge.service import openapi
from bridge.service.http.metrics import exposition
from bridge.service.readiness import AVAILABLE, Readiness
from bridge.service.routes import json_response

router: Final = APIRouter(tags=["operations"])


@router.get("/healthz", summary="Whether the process answers")
async def healthz() -> dict[str, str]:
    """Answer that the process runs.

    Nothing else is looked at: what restarts would not mend must not restart the service.
    """
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Whether completions are accepted",
    response_model=openapi.Ready,
    responses={503: {"model": openapi.Ready, "description": "The outbox takes no completions."}},
)
async def readyz(request: Request) -> Response:
    """Tell whether the outbox takes completions, and how the store is.

    A store that is down does not make the service unready: completions wait for it.
    """
    readiness: Readiness = request.app.state.readiness
    outbox, store = await readiness.outbox(), await readiness.store()
    return json_response({"outbox": outbox, "store": store}, 200 if outbox == AVAILABLE else 503)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Return counts for Prometheus, in which no learner is."""
    state = request.app.state
    body, media_type = await run_sync(exposition, state.bridge.outbox, limiter=state.scrape_limiter)
    return Response(body, headers={"Content-Type": media_type})
