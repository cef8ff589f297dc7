"""Prometheus metrics: their names, what they count, and that all works without them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from bridge import Bridge, metrics
from bridge.config import OutboxSettings
from bridge.errors import OutboxUnavailable, StoreUnavailable
from bridge.model import Identity
from bridge.outbox.sqlite import SQLiteOutbox
from bridge.stores.memory import MemoryStore
from tests.servers.process import HOST, HeldPort
from tests.unit.delivering import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "outbox.db")


class Since:
    """How far counters have come since it was made: they are the whole process's."""

    def __init__(self) -> None:
        self._before = self._now()

    def __getitem__(self, series: str) -> float:
        return self._now().get(series, 0.0) - self._before.get(series, 0.0)

    def _now(self) -> dict[str, float]:
        lines = generate_latest(REGISTRY).decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line.startswith("progress_bridge_"))
        return {name: float(value) for name, value in pairs}


def test_delivered_refused_and_retried_completions_are_counted(bench: Bench) -> None:
    since = Since()
    bench.put("a", "b", "c")
    bench.store.refused = {"b"}
    bench.store.answers.append(StoreUnavailable("down"))
    bench.go_on(10)
    assert since['progress_bridge_delivered_total{outcome="created"}'] == 2
    assert since["progress_bridge_rejected_total"] == 1
    assert since["progress_bridge_retries_total"] == 3
    assert since["progress_bridge_batch_seconds_count"] == len(bench.store.batches)


def test_what_is_accepted_is_counted(bench: Bench) -> None:
    since = Since()
    bridge = Bridge(MemoryStore(), bench.outbox)
    bridge.record("moodle", 1, "g1")
    assert since["progress_bridge_accepted_total"] == 1


def test_the_backlog_is_what_the_outbox_holds(bench: Bench) -> None:
    bench.put("a", "b", "c")
    bench.outbox.lease(1, 60)
    bench.clock.now += 30
    said = scraped(bench.outbox)
    assert "progress_bridge_backlog 3.0" in said
    assert "progress_bridge_oldest_seconds 30.0" in said
    assert "progress_bridge_dead_letters 0.0" in said


def test_erasures_are_counted_waiting_and_done(bench: Bench) -> None:
    since = Since()
    bench.outbox.request_erasure(Identity("moodle", 1))
    bench.clock.now += 30
    said = scraped(bench.outbox)
    assert "progress_bridge_erasures 1.0" in said
    assert "progress_bridge_oldest_erasure_seconds 30.0" in said
    bench.go_on(130)
    assert "progress_bridge_erasures 0.0" in scraped(bench.outbox)
    assert "progress_bridge_oldest_erasure_seconds 0.0" in scraped(bench.outbox)
    assert since["progress_bridge_erased_learners_total"] == 1


def scraped(outbox: SQLiteOutbox) -> list[str]:
    registry = CollectorRegistry()
    registry.register(metrics.OutboxCollector(outbox))
    return generate_latest(registry).decode().splitlines()


def test_an_outbox_that_is_unavailable_spoils_no_scrape(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OutboxUnavailable("locked")

    monkeypatch.setattr(bench.outbox, "counts", fail)
    assert scraped(bench.outbox) == []


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[SQLiteOutbox]:
    outbox = SQLiteOutbox(OutboxSettings(url=f"sqlite:///{tmp_path / 'watched.db'}"))
    collectors = set(REGISTRY._collector_to_names)
    metrics.watch(outbox)
    yield outbox
    for collector in set(REGISTRY._collector_to_names) - collectors:
        REGISTRY.unregister(collector)
    outbox.close()


def test_all_of_them_are_served_over_http(watched: SQLiteOutbox) -> None:
    port = HeldPort()
    metrics.serve(HOST, port.number)
    with urlopen(f"http://{HOST}:{port.number}/metrics", timeout=30) as answer:
        said = answer.read().decode()
    for name in (
        *("accepted_total", "delivered_total", "rejected_total", "retries_total"),
        *("backlog", "oldest_seconds", "dead_letters", "batch_seconds"),
        *("erasures", "oldest_erasure_seconds", "erased_learners_total"),
    ):
        assert f"# HELP progress_bridge_{name} " in said


def test_a_head_is_answered_without_the_metrics(watched: SQLiteOutbox) -> None:
    port = HeldPort()
    metrics.serve(HOST, port.number)
    url = f"http://{HOST}:{port.number}/metrics"
    with urlopen(Request(url, method="HEAD"), timeout=30) as head, urlopen(url) as got:
        assert head.status == 200
        assert head.read() == b""
        assert head.headers["Content-Type"] == got.headers["Content-Type"]
        assert int(head.headers["Content-Length"]) > 1000


WITHOUT = """
import sys
sys.modules["prometheus_client"] = None
from tests.unit.delivering import Bench
from bridge import Bridge, ConfigurationError, metrics
from pathlib import Path
bench = Bench(Path(sys.argv[1]) / "outbox.db")
Bridge(bench.store, bench.outbox).record("moodle", 1, "g1")
bench.step()
assert bench.store.grains == ["g1"]
try:
    metrics.serve("127.0.0.1", 1)
except ConfigurationError as error:
    print(error)
"""


def test_without_prometheus_client_everything_but_metrics_works(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "pip install 'progress-bridge[delivery]'" in done.stdout


def test_without_tenacity_only_delivery_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys\nsys.modules['tenacity'] = None\n"
        "import bridge\nfrom bridge.cli import main\nmain()"
    )
    environ = {
        "PROGRESS_BRIDGE_STORE_URL": "memory:",
        "PROGRESS_BRIDGE_OUTBOX_URL": f"sqlite:///{tmp_path / 'outbox.db'}",
    }
    for word, exit_code in (("status", 0), ("deliver", 1)):
        command = [sys.executable, "-c", code, word]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
        assert done.returncode == exit_code, done.stderr
    assert done.stderr == (
        "Error: tenacity is not installed; pip install 'progress-bridge[delivery]'\n"
    )
