"""`progress-bridge serve`: real processes that are stopped, killed and started again."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge import Identity
from tests.servers.directus import Directus
from tests.service.killing import SETTINGS, run, store_of
from tests.service.load import fire, post
from tests.service.server import Service

ONE = b'{"origin":"moodle","external_user_id":1,"grain_id":"g"}'


def accepted(service: Service, count: int = 1) -> int:
    request = post("/v1/completions", ONE, service.key)
    return len(fire(service.port, iter([(n, request) for n in range(count)]), 1).named(202))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_accepts_delivers_counts_and_ends_when_told(tmp_path: Path, workers: str) -> None:
    with Service(tmp_path, {"delivery": {"age": 0.05}}, "--workers", workers) as service:
        assert accepted(service, 5) == 5
        _await(lambda: service.get("/v1/learners/moodle/1/progress")["items"])
        answer = subprocess.run(
            ["curl", "-s", f"{service.url}/metrics"], capture_output=True, text=True, check=True
        )
        assert "\nprogress_bridge_accepted_total 5.0\n" in answer.stdout, "of all workers together"
        assert service.get("/readyz") == {"outbox": "available", "store": "available"}
        process = service._process
        assert process
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    log = service.log.read_text()
    assert "service_started" in log
    assert "service_stopped" in log
    assert "route=/v1/completions status=202" in log
    assert "Traceback" not in log


def test_service_ends_although_store_and_callers_hang(tmp_path: Path) -> None:
    """A Directus that accepts connections and never answers, a body that never comes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        store = {"url": url, "token": "x", "read_timeout": 60}
        settings = {"store": store, "delivery": {"age": 0.01}}
        with Service(tmp_path, settings) as service:
            assert accepted(service, 3) == 3
            silent.accept()  # a batch is under way
            with socket.create_connection(("127.0.0.1", service.port)) as caller:
                head = post("/v1/completions", ONE, service.key)[:-5]
                caller.sendall(head)
                start = time.monotonic()
                process = service._process
                assert process
                process.send_signal(signal.SIGTERM)
                assert process.wait(60) == 0
                assert time.monotonic() - start < 20  # 10 s, and what a busy machine adds
    with Service(tmp_path, {"delivery": {"age": 0.01}}) as again:
        found = store_of(again)()
        _await(lambda: found.progress(Identity("moodle", 1)))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_killing_the_service_loses_no_answered_202(tmp_path: Path, workers: str) -> None:
    with Service(tmp_path, SETTINGS, "--workers", workers, "--no-access-log") as service:
        outcome = run(service, store_of(service), seconds=10, kills=3, seed=2026)
    assert outcome.accepted > 100
    assert (outcome.missing, outcome.unknown) == (0, 0), outcome


def test_killing_loses_nothing_with_directus_over_postgresql(
    tmp_path: Path, directus_pg: Directus
) -> None:
    store = {"url": directus_pg.url, "token_file": str(directus_pg.token_file)}
    with Service(tmp_path, {**SETTINGS, "store": store}, "--no-access-log") as service:
        outcome = run(service, store_of(service), seconds=6, kills=2, seed=2026, connections=2)
    assert outcome.accepted > 100
    assert (outcome.missing, outcome.unknown) == (0, 0), outcome


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"outbox": None}, "no outbox: the service answers when a completion is on disk"),
        ({"service": {"keys_file": None}}, "nobody could do anything"),
        ({"service": {"keys_file": "/nowhere"}}, "/nowhere: No such file"),
        ({"serivce": {}}, "did you mean service?"),
    ],
)
def test_wrong_configuration_is_one_line_and_code_1(
    tmp_path: Path, settings: dict[str, object], words: str
) -> None:
    done = _serve(Service(tmp_path, settings))
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_taken_port_is_one_line_and_code_1(tmp_path: Path) -> None:
    service = Service(tmp_path)
    with socket.create_server(("127.0.0.1", service.port)):
        done = _serve(service)
    assert done.returncode == 1
    assert "already in use" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def _await(what: Callable[[], object]) -> None:
    """Wait for what another process does, which has no way to tell us."""
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _serve(service: Service) -> subprocess.CompletedProcess[str]:
    command = [str(word) for word in service.command()]
    return subprocess.run(
        command, env=service.environment(), capture_output=True, text=True, timeout=120, check=False
    )
