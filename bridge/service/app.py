"""The application: everything wired together from one configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import cache
from typing import Final

import anyio
import anyio.to_thread
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from bridge import __version__
from bridge.config import Settings
from bridge.delivery.loop import Delivery
from bridge.errors import ConfigurationError
from bridge.facade import Bridge
from bridge.model import Completion, Origin
from bridge.service import openapi
from bridge.service.auth.callers import Door
from bridge.service.auth.keys import KeyRing
from bridge.service.auth.rate_limits import Limits
from bridge.service.http import problems
from bridge.service.http.middleware import Around
from bridge.service.put_batcher import Acceptor
from bridge.service.readiness import Readiness
from bridge.service.routes import callers, completions, documents, learners, operations
from bridge.tokens import Tokens

THREADS: Final = 64
"""Questions to the store under way at once."""

STOP_WITHIN: Final = 7.0
"""Seconds that batches under way have to end when the service does."""

CLOSE_WITHIN: Final = 0.5
"""Seconds that files and connections have to be released."""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_DESCRIPTION: Final = """\
One learner record for Moodle, FunMooc and the direct site: accepts completions, keeps them through
any crash, and delivers them. Errors are problem details (RFC 9457)."""


def create_app(settings: Settings, *, deliver: bool = True) -> FastAPI:
    """The service.

    Args:
        settings: with an outbox.
        deliver: take what is in the outbox to the store, while the service runs.

    Raises:
        ConfigurationError: something that the service needs is missing or wrong.
    """
    _check(settings)
    bridge = Bridge.from_settings(settings)
    delivery = _delivery(bridge, settings) if deliver else None
    app = FastAPI(
        title="Progress bridge",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        lifespan=_lifespan(bridge, delivery),
    )
    service = settings.service
    state = app.state
    state.settings, state.bridge, state.readiness = settings, bridge, Readiness(bridge)
    state.tokens = Tokens(settings.tokens) if settings.tokens else None
    state.limits = Limits(service.rate_limit)
    keys = KeyRing(service.keys_file) if service.keys_file else None
    state.door = Door(keys, state.tokens, state.limits)
    state.acceptor = Acceptor(lambda batch: _all(bridge, batch))
    app.router.routes.insert(0, completions.quick)
    for routes in (completions, learners, callers, operations, documents):
        app.include_router(routes.router)
    problems.install(app)
    _add_middleware(app, settings)
    document = app.openapi
    app.openapi = cache(lambda: openapi.complete(document()))  # type: ignore[method-assign]
    return app


def _check(settings: Settings) -> None:
    service = settings.service
    if settings.outbox is None:
        raise ConfigurationError(
            "no outbox: the service answers when a completion is on disk; set outbox.url in the "
            "configuration, or PROGRESS_BRIDGE_OUTBOX_URL"
        )
    if service.keys_file is None and settings.tokens is None:
        raise ConfigurationError(
            "service.keys_file: missing; without it and without tokens.keys nobody could do "
            "anything (make a key with `progress-bridge keys new`)"
        )
    if service.guests and not (settings.tokens and settings.tokens.keys_for(Origin.DIRECT)):
        raise ConfigurationError("service.guests: guests need tokens.keys, one for direct")


def _delivery(bridge: Bridge, settings: Settings) -> Delivery:
    assert bridge.outbox  # noqa: S101 -- _check has seen to it
    grace = min(settings.delivery.grace, STOP_WITHIN - 1)
    return Delivery(bridge.outbox, bridge.store, replace(settings.delivery, grace=grace))


def _all(bridge: Bridge, batch: list[Completion]) -> None:
    """Accept the completions; the outcomes of an outbox are all the same."""
    for _ in bridge.record_many(batch):
        pass


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """From the inside out."""
    if settings.service.sites:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.service.sites,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Retry-After"],
            max_age=3600,
        )
    app.add_middleware(Around)


def _lifespan(bridge: Bridge, delivery: Delivery | None) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        app.state.scraping = anyio.CapacityLimiter(1)  # not of those that a hanging store keeps
        if delivery is not None:
            delivery.start()
        try:
            yield
        finally:
            if delivery is not None:
                await anyio.to_thread.run_sync(delivery.stop, STOP_WITHIN)
            app.state.acceptor.close()
            with anyio.move_on_after(CLOSE_WITHIN):
                await anyio.to_thread.run_sync(bridge.close, abandon_on_cancel=True)

    return lifespan
