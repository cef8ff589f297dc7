"""The command ``progress-bridge deliver``: from the outbox to the store, until a signal."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from bridge import metrics
from bridge.cli.context import Context, adopt_option, claim, pass_context
from bridge.cli.output import example
from bridge.stores import open_store
from bridge.support import logs

if TYPE_CHECKING:
    from bridge.delivery.loop import Delivery

END_WITHIN: Final = 9.5
"""Seconds from the signal to the end of the process, whatever hangs."""

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
SIGNAL_INTERVAL: Final = 0.2
"""Seconds between two looks whether a signal has come."""


@click.command(epilog=example("--config bridge.yaml deliver --metrics-port 9464"))
@click.option(
    "--metrics-port",
    metavar="PORT",
    type=click.IntRange(1, 65535),
    help="Serve Prometheus metrics.",
)
@click.option("--metrics-host", metavar="ADDRESS", default="127.0.0.1", show_default=True)
@click.option("--log-json", is_flag=True, help="Log JSON objects, one a line.")
@adopt_option
@pass_context
def deliver(
    context: Context, metrics_port: int | None, metrics_host: str, log_json: bool, adopt: bool
) -> None:
    """Deliver what is in the outbox to the store, until SIGTERM or Ctrl-C.

    Any number of deliverers may run, on as many machines as can reach the outbox; killing one
    loses nothing. SIGTERM ends it within 10 seconds, after the batches under way. The log goes to
    standard error, one event a line; --debug logs every batch. An outbox whose completions go to
    another store is refused.
    """
    settings = context.settings()
    outbox = context.outbox()
    from bridge.delivery.loop import Delivery  # here: what it needs is not installed in the LMS

    logs.configure(as_json=log_json, debug=context.debug)
    claim(outbox, adopt=adopt)
    with _signals_blocked():
        if metrics_port is not None:
            metrics.watch(outbox)
            metrics.serve(metrics_host, metrics_port)
        _run(Delivery(outbox, open_store(settings), settings.delivery))


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Keep the signals from being handled: a handler would run in the middle of anything.

    To be entered before any thread is made: those to come inherit it, and one that did not could
    be chosen to receive the signal, which would end the process.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _run(delivery: Delivery) -> None:
    """Deliver until a signal comes, then end the process in time."""
    delivery.start()
    while delivery.running and not _asked_to_end():
        time.sleep(SIGNAL_INTERVAL)
    died = not delivery.running
    if died or not delivery.stop(END_WITHIN):
        logging.shutdown()
        os._exit(int(died))  # not waiting for threads that wait for the store


def _asked_to_end() -> bool:
    """Return whether one of the signals has come, and take it.

    Not by `signal.sigtimedwait`: in a process that was stopped (SIGSTOP, a debugger) for longer
    than its time-out, CPython (3.11, at least) answers with a signal that nobody sent.
    """
    if not signal.sigpending() & set(_SIGNALS):
        return False
    signal.sigwait(_SIGNALS)
    return True
