"""Prometheus metrics of the HTTP service.

`bridge.metrics` has those of outbox and delivery.
"""

from __future__ import annotations

import os
from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

from bridge.metrics import OutboxCollector
from bridge.outbox import Outbox

REQUESTS: Final = Counter(
    "progress_bridge_http_requests_total",
    "Requests, by method, route and status.",
    ["method", "route", "status"],
)
REFUSED_COMPLETIONS: Final = Counter(
    "progress_bridge_http_refused_total", "Completions that broke a rule, and were refused."
)
RESPONSE_SECONDS: Final = Histogram(
    "progress_bridge_http_seconds",
    "Time to answer, by route.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)


def exposition(outbox: Outbox) -> tuple[bytes, str]:
    """Return the metrics as Prometheus scrapes them, and their media type.

    Where there are several workers, they are counted together.
    """
    gauges = CollectorRegistry()
    gauges.register(OutboxCollector(outbox))
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    else:
        counted = prometheus_client.REGISTRY
    parts = [prometheus_client.generate_latest(registry) for registry in (counted, gauges)]
    return b"".join(parts), prometheus_client.CONTENT_TYPE_LATEST
