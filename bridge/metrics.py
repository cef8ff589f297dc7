"""Prometheus metrics, under names that stay. Where prometheus-client is missing, nothing happens.

``accepted`` counts where completions are put into the outbox (the service, the LMS), the others
where they are delivered. Backlog and oldest are asked of the outbox when they are scraped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from bridge.errors import BridgeClosed, OutboxUnavailable
from bridge.outbox import Outbox
from bridge.support.extras import needs

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from prometheus_client.metrics_core import GaugeMetricFamily

try:
    import prometheus_client
    import prometheus_client.metrics_core
except ImportError:
    INSTALLED: Final = False
else:
    INSTALLED = True  # type: ignore[misc]

_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class _NullMetric:
    """Stands in for a metric where prometheus-client is missing."""

    def inc(self, amount: float = 1) -> None:
        """Count nothing."""

    def observe(self, amount: float) -> None:
        """Measure nothing."""

    def labels(self, *_: str) -> _NullMetric:
        """Return itself, as any of its series."""
        return self


def _metric(kind: str, *arguments: Any, **more: Any) -> Any:
    return getattr(prometheus_client, kind)(*arguments, **more) if INSTALLED else _NullMetric()


ACCEPTED: Final = _metric(
    "Counter", "progress_bridge_accepted_total", "Completions that the outbox accepted."
)
DELIVERED: Final = _metric(
    "Counter",
    "progress_bridge_delivered_total",
    "Completions that the store took, by what it did with them.",
    ["outcome"],
)
REJECTED: Final = _metric(
    "Counter", "progress_bridge_rejected_total", "Completions that became dead letters."
)
ERASED: Final = _metric(
    "Counter",
    "progress_bridge_erased_learners_total",
    "Learners erased from the store because it was asked for through the outbox.",
)
RETRIES: Final = _metric(
    "Counter", "progress_bridge_retries_total", "Completions given back to be tried again."
)
BATCH_SECONDS: Final = _metric(
    "Histogram",
    "progress_bridge_batch_seconds",
    "Time that the store took for a batch.",
    buckets=_BUCKETS,
)


class OutboxCollector:
    """Gauges of what is in the outbox, asked at each scrape. None while it is unavailable."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Ask the outbox, and yield the gauges. Called by prometheus-client."""
        try:
            counts = self._outbox.counts()
        except (OutboxUnavailable, BridgeClosed):
            return
        for name, text, value in (
            ("backlog", "Completions that are not delivered yet.", counts.waiting + counts.leased),
            ("oldest_seconds", "Age of the oldest of them; 0 for none.", counts.oldest or 0.0),
            ("dead_letters", "Completions that the store refuses.", counts.dead),
            ("erasures", "Erasures of learners that are asked for and not done.", counts.erasures),
            (
                "oldest_erasure_seconds",
                "Time since the first of these erasures was asked for; 0 for none.",
                counts.oldest_erasure or 0.0,
            ),
        ):
            yield prometheus_client.metrics_core.GaugeMetricFamily(
                f"progress_bridge_{name}", text, value=value
            )

    def describe(self) -> list[GaugeMetricFamily]:
        """Describe nothing, or else registering would ask the outbox."""
        return []


def watch(outbox: Outbox) -> None:
    """Add this outbox's gauges to what is scraped. To be called once in a process.

    Raises:
        ConfigurationError: prometheus-client is not installed.
    """
    _needed()
    prometheus_client.REGISTRY.register(OutboxCollector(outbox))


def serve(host: str, port: int) -> None:
    """Answer ``GET`` and ``HEAD /metrics`` from a thread of its own, until the process ends.

    Raises:
        ConfigurationError: prometheus-client is not installed.
        OSError: the port is taken.
    """
    _needed()
    server, _ = prometheus_client.start_http_server(port, addr=host)
    server.set_app(_with_head(prometheus_client.make_wsgi_app()))


def _with_head(app: WSGIApplication) -> WSGIApplication:
    """Return the application that answers a HEAD, too: as a GET, without the body."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "HEAD":
            return app(environ, start_response)
        told: list[Any] = []

        def hold_back(*said: Any) -> Any:
            told.extend(said)

        parts = app({**environ, "REQUEST_METHOD": "GET"}, hold_back)
        status, headers = told
        start_response(status, [*headers, ("Content-Length", str(sum(map(len, parts))))])
        return []

    return answer


def _needed() -> None:
    with needs("delivery"):
        import prometheus_client  # noqa: F401
