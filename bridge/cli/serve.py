"""The command ``progress-bridge serve``: the HTTP API, until a signal."""

from __future__ import annotations

import logging
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Final

import click

from bridge.cli.context import Context, adopt_option, claim, pass_context
from bridge.cli.output import example
from bridge.support.extras import needs
from bridge.support.logs import event

if TYPE_CHECKING:
    import uvicorn

_log: Final = logging.getLogger("bridge.service")


@click.command(epilog=example("--config bridge.yaml serve --port 8080"))
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Listen there; 0.0.0.0: all of IPv4, `::`: all of IPv6 and IPv4.",
)
@click.option(
    "--port", metavar="PORT", type=click.IntRange(0, 65535), default=8080, show_default=True
)
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that answer requests.",
)
@click.option("--no-deliver", is_flag=True, help="Accept alone; `deliver` runs elsewhere.")
@click.option("--no-access-log", is_flag=True, help="No line for each request.")
@click.option("--log-json", is_flag=True, help="Log JSON objects, one a line.")
@adopt_option
@pass_context
def serve(
    context: Context,
    host: str,
    port: int,
    workers: int,
    no_deliver: bool,
    no_access_log: bool,
    log_json: bool,
    adopt: bool,
) -> None:
    """Serve the HTTP API, until SIGTERM or Ctrl-C.

    Answers when a completion is in the outbox, and delivers what is there in the background. Needs
    an outbox, and server keys (`progress-bridge keys`) or the keys of learner tokens. TLS is for
    the proxy in front of it. Ends at once, with the reason, where the outbox takes nothing. SIGTERM
    ends it within 10 seconds. The log goes to standard error and shows no learner's id.
    """
    settings = context.settings()
    worker = _worker_module()
    options = worker.ServeOptions(
        config=context.config,
        deliver=not no_deliver,
        log_json=log_json,
        log_requests=not no_access_log,
        debug=context.debug,
    )
    with _listening(host, port) as listeners:
        app = worker.create_app_with_logs(settings, options)  # with several, to be told of mistakes
        if not no_deliver:
            claim(app.state.bridge.outbox, adopt=adopt)
        worker.refuse_unusable(app.state.bridge.outbox)
        _log_start(host, listeners, workers)
        if workers == 1:
            _serve_in_this_process(worker.uvicorn_config(app, settings), listeners)
        else:
            app.state.bridge.close()
            options.hand_over()
            config = worker.uvicorn_config(worker.APP_FACTORY, settings, workers=workers)
            _serve_in_workers(config, listeners)
    event(_log, logging.INFO, "service_stopped")


def _worker_module() -> ModuleType:
    with needs("service"):
        from bridge.service import worker
    return worker


@contextmanager
def _listening(host: str, port: int) -> Iterator[list[socket.socket]]:
    """Open the sockets that all workers accept connections from, for as long as the block runs.

    For ``::`` they are two. One that takes both would show an IPv4 caller as ``::ffff:192.0.2.1``,
    which no address in ``service.proxies`` is equal to.

    Raises:
        OSError: naming the address, which is in use, is not this machine's, or does not exist.
    """
    with ExitStack() as opened:
        listeners = [opened.enter_context(_listen(host, port))]
        if host == "::":
            port = listeners[0].getsockname()[1]
            listeners.append(opened.enter_context(_listen("0.0.0.0", port)))  # noqa: S104 -- asked for
        yield listeners


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def _log_start(host: str, listeners: list[socket.socket], workers: int) -> None:
    addresses = [listener.getsockname() for listener in listeners]
    event(
        _log,
        logging.INFO,
        "service_started",
        host=host,
        port=addresses[0][1],
        workers=workers,
        addresses=" ".join(address[0] for address in addresses),
    )


def _serve_in_this_process(config: uvicorn.Config, listeners: list[socket.socket]) -> None:
    import uvicorn

    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn puts it back and raises the signal when it is done
        signal.signal(number, _exit_at_once)
    uvicorn.Server(config).run(listeners)


def _serve_in_workers(config: uvicorn.Config, listeners: list[socket.socket]) -> None:
    """Serve in worker processes, which are started again when they die."""
    from uvicorn.supervisors import Multiprocess

    with tempfile.TemporaryDirectory(prefix="progress-bridge-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # one /metrics for all of them
        Multiprocess(config, listeners).run()


def _exit_at_once(*_: object) -> None:
    """End the process, which threads that still wait for the store must not keep.

    Uvicorn raises the signal when all requests are answered.
    """
    event(_log, logging.INFO, "service_stopped")
    logging.shutdown()
    os._exit(0)
