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
from bridge.service.auth.callers import Authenticator
from bridge.service.auth.keys import KeyRing
from bridge.service.auth.rate_limits import RateLimiter
from bridge.service.http import problems
from bridge.service.http.middleware import RequestMiddleware
from bridge.service.put_batcher import PutBatcher
from bridge.service.readiness import Readiness
from bridge.service.routes import callers, completions, documents, learners, operations
from bridge.tokens import Tokens

STORE_THREADS: Final = 64
"""Threads that ask the store: so many questions are under way at once."""

DELIVERY_STOP_SECONDS: Final = 7.0
"""Seconds that batches under way have to end when the service does."""

CLOSE_SECONDS: Final = 0.5
"""Seconds that files and connections have to be released."""

LifespanContext = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_DESCRIPTION: Final = """\
One learner record for Moodle, FunMooc and the direct site: accepts completions, keeps them through
any crash, and delivers them. Errors are problem details (RFC 9457)."""


def create_app(settings: Settings, *, deliver: bool = True) -> FastAPI:
    """Create the service's application.

    Args:
        settings: with an outbox.
        deliver: whether to take what is in the outbox to the store while the service runs.

    Raises:
        ConfigurationError: something that the service needs is missing or wrong.
    """
    _check_settings(settings)
    bridge = Bridge.from_settings(settings)
    delivery = _create_delivery(bridge, settings) if deliver else None
    app = FastAPI(
        title="Progress bridge",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would lead to the host that the caller names
        generate_unique_id_function=lambda route: route.name,
        lifespan=_lifespan(bridge, delivery),
    )
    service = settings.service
    state = app.state
    state.settings, state.bridge, state.readiness = settings, bridge, Readiness(bridge)
    state.tokens = Tokens(settings.tokens) if settings.tokens else None
    state.rate_limiter = RateLimiter(service.rate_limit)
    keys = KeyRing(service.keys_file) if service.keys_file else None
    state.authenticator = Authenticator(keys, state.tokens, state.rate_limiter)
    state.put_batcher = PutBatcher(lambda batch: _accept_all(bridge, batch))
    app.router.routes.insert(0, completions.fast_route)
    for routes in (completions, learners, callers, operations, documents):
        app.include_router(routes.router)
    problems.add_handlers(app)
    _add_middleware(app, settings)
    document = app.openapi
    app.openapi = cache(lambda: openapi.add_schemas(document()))  # type: ignore[method-assign]
    return app


def _check_settings(settings: Settings) -> None:
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


def _create_delivery(bridge: Bridge, settings: Settings) -> Delivery:
    assert bridge.outbox  # noqa: S101 -- _check_settings has seen to it
    grace = min(settings.delivery.grace, DELIVERY_STOP_SECONDS - 1)
    return Delivery(bridge.outbox, bridge.store, replace(settings.delivery, grace=grace))


def _accept_all(bridge: Bridge, batch: list[Completion]) -> None:
    """Accept the completions into the outbox.

    Their outcomes are not looked at: those of an outbox are all the same.
    """
    for _ in bridge.record_many(batch):
        pass


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """Wrap the application in its middleware, from the inside out."""
    if settings.service.sites:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.service.sites,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Retry-After"],
            max_age=3600,
        )
    app.add_middleware(RequestMiddleware)


def _lifespan(bridge: Bridge, delivery: Delivery | None) -> LifespanContext:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = STORE_THREADS
        # A thread of its own: those of the store may all wait for one that hangs.
        app.state.scrape_limiter = anyio.CapacityLimiter(1)
        if delivery is not None:
            delivery.start()
        try:
            yield
        finally:
            if delivery is not None:
                await anyio.to_thread.run_sync(delivery.stop, DELIVERY_STOP_SECONDS)
            app.state.put_batcher.close()
            with anyio.move_on_after(CLOSE_SECONDS):
                await anyio.to_thread.run_sync(bridge.close, abandon_on_cancel=True)

    return lifespan
