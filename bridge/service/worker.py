"""A worker process of `progress-bridge serve`: what it serves, and how it ends in time."""

from __future__ import annotations

import gc
import json
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from multiprocessing.process import BaseProcess
from typing import Any, Final, Self

import uvicorn
from fastapi import FastAPI

from bridge.config import Settings
from bridge.errors import OutboxUnavailable
from bridge.outbox import Outbox
from bridge.service.app import create_app
from bridge.service.http.middleware import access_log
from bridge.support import logs

OPTIONS_VARIABLE: Final = "PROGRESS_BRIDGE_SERVE"
"""Environment variable that hands the options over to the worker processes."""

APP_FACTORY: Final = "bridge.service.worker:app"
FINISH_REQUESTS_SECONDS: Final = 2
"""Seconds that requests under way have to end when the service does."""

KEEP_ALIVE_SECONDS: Final = 75
"""Seconds that an idle connection is kept: longer than a proxy keeps it (nginx: 60), or the proxy
would now and then send a request into a connection that is just being closed."""

UNRESPONSIVE_SECONDS: Final = 30
"""Seconds after which a worker process that does not react is replaced."""

END_WITHIN_SECONDS: Final = 10.0
"""Seconds that a worker has to end when its parent is gone, whatever hangs."""

_log: Final = logging.getLogger("bridge.service")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What the command line says beside the configuration.

    Attributes:
        config: path of the YAML file, or None for the environment alone.
        deliver: whether the service delivers as well.
        log_json: whether log lines are JSON objects.
        log_requests: whether every request has a line in the log.
        debug: whether every batch has a line in the log.
    """

    config: str | None
    deliver: bool
    log_json: bool
    log_requests: bool
    debug: bool

    def hand_over(self) -> None:
        """Hand the options to the processes that this one starts."""
        os.environ[OPTIONS_VARIABLE] = json.dumps(asdict(self))

    @classmethod
    def handed_over(cls) -> Self:
        """Return the options that the process that started this one handed over."""
        return cls(**json.loads(os.environ[OPTIONS_VARIABLE]))


def app() -> FastAPI:
    """Create the application of a worker process, for uvicorn, which calls this."""
    options = ServeOptions.handed_over()
    _end_with_parent()
    return create_app_with_logs(Settings.load(options.config), options)


def create_app_with_logs(settings: Settings, options: ServeOptions) -> FastAPI:
    """Set up the log and create the application.

    Raises:
        ConfigurationError: something that the service needs is missing or wrong.
    """
    logs.configure(as_json=options.log_json, debug=options.debug)
    if not options.log_requests:
        access_log.setLevel(logging.WARNING)
    app = create_app(settings, deliver=options.deliver)
    gc.collect()
    gc.freeze()  # what exists now stays: the collector need not look at it again and again
    return app


def refuse_unusable(outbox: Outbox) -> None:
    """Try whether the outbox takes what is put, by the write that `Outbox.check` takes back.

    Raises:
        OutboxUnavailable: it takes nothing now, and so the service would accept nothing.
    """
    for finding in outbox.check():
        if finding.fatal and not finding.ok:
            message = f"the service does not start: {finding.message}"
            raise OutboxUnavailable(message, remedy=finding.remedy)


def _end_with_parent() -> None:
    """End this worker when its parent is gone, which a killed one cannot ask for.

    A worker that lived on would keep the port, and accept beside the service that is started next.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    # A pipe tells: its other end closes with the parent, be that the PID 1 of a container.
    parent.join()
    logs.event(_log, logging.ERROR, "parent_gone", pid=parent.pid)
    os.kill(os.getpid(), signal.SIGTERM)  # uvicorn lets the port go at once, then what is under way
    time.sleep(END_WITHIN_SECONDS)
    os._exit(1)


def uvicorn_config(app: FastAPI | str, settings: Settings, **where: Any) -> uvicorn.Config:
    """Return the configuration with which uvicorn serves the application."""
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
        timeout_graceful_shutdown=FINISH_REQUESTS_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_worker_healthcheck=UNRESPONSIVE_SECONDS,
        **where,
    )
