"""A worker process of `progress-bridge serve`: what it serves, and how it ends in time."""

from __future__ import annotations

import gc
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import uvicorn
from fastapi import FastAPI

from bridge.config import Settings
from bridge.service.app import create_app
from bridge.service.http.middleware import access
from bridge.support import logs

VARIABLE: Final = "PROGRESS_BRIDGE_SERVE"
"""Environment variable that hands the options over to the worker processes."""

FACTORY: Final = "bridge.service.worker:app"
FINISH_WITHIN: Final = 2
"""Seconds that requests under way have to end when the service does."""

KEEP_ALIVE: Final = 75
"""Seconds that an idle connection is kept: longer than a proxy keeps it (nginx: 60), or the proxy
would now and then send a request into a connection that is just being closed."""


HANGING: Final = 30
"""Seconds after which a worker process that does not react is replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says beside the configuration.

    Attributes:
        config: path of the YAML file, or None for the environment alone.
        deliver: whether the service delivers as well.
        log_json: log JSON objects.
        log_requests: a line for every request.
        debug: log every batch.
    """

    config: str | None
    deliver: bool
    log_json: bool
    log_requests: bool
    debug: bool

    def hand_over(self) -> None:
        """To the processes that this one starts."""
        os.environ[VARIABLE] = json.dumps(asdict(self))

    @classmethod
    def handed_over(cls) -> Self:
        """What the process that started this one was told."""
        return cls(**json.loads(os.environ[VARIABLE]))


def app() -> FastAPI:
    """The application of a worker process; uvicorn calls this."""
    options = Options.handed_over()
    return create_app_with_logs(Settings.load(options.config), options)


def create_app_with_logs(settings: Settings, options: Options) -> FastAPI:
    """The application, in a process that logs as it was told.

    Raises:
        ConfigurationError: something that the service needs is missing or wrong.
    """
    logs.configure(as_json=options.log_json, debug=options.debug)
    if not options.log_requests:
        access.setLevel(logging.WARNING)
    app = create_app(settings, deliver=options.deliver)
    gc.collect()
    gc.freeze()  # what is there now stays: need not be looked at again and again
    return app


def config(app: FastAPI | str, settings: Settings, **where: Any) -> uvicorn.Config:
    """How uvicorn serves it."""
    logging.getLogger("uvicorn.access").disabled = True  # it shows URLs, and so learners' ids
    proxies: Sequence[str] = settings.service.proxies
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_graceful_shutdown=FINISH_WITHIN,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_worker_healthcheck=HANGING,
        **where,
    )
