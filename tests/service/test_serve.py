"""`progress-bridge serve`: real processes that are stopped, killed and started again."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from bridge import Identity
from tests.servers.directus import Directus
from tests.servers.process import closed_port, listening
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
    with Service(tmp_path, {"delivery": {"age": 0.01}}, "--adopt") as again:
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
        ({"service": {"keys_file": "/nowhere"}}, "there is no file /nowhere"),
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


@pytest.mark.parametrize(
    ("outbox", "words"),
    [
        ("sqlite:///{folder}/missing/outbox.db", "there is no folder "),
        ("sqlite:///{folder}", " is a folder, no file"),
        ("sqlite:///{folder}/bridge.yaml", "bridge.yaml: it is no outbox, or damaged"),
        ("redis://127.0.0.1:{closed}/0", "cannot be reached"),
    ],
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_unusable_outbox_ends_it_before_it_starts(
    tmp_path: Path, outbox: str, words: str, workers: str
) -> None:
    url = outbox.format(folder=tmp_path, closed=closed_port())
    done = _serve(Service(tmp_path, {"outbox": {"url": url}}, "--workers", workers))
    assert done.returncode == 3
    assert done.stderr.startswith("Error: the service does not start: outbox ")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1, "and not that it is started"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
def test_workers_end_with_their_parent(tmp_path: Path, how: signal.Signals) -> None:
    with Service(tmp_path, None, "--workers", "2") as service:
        workers = _workers_of(service)
        assert accepted(service) == 1
        _kill_alone(service, how)
        _await(lambda: not listening(service.port))
        service.start()  # on the same port, at once
        assert accepted(service) == 1
        _await(lambda: not any(map(_runs, workers)))
    assert service.log.read_text().count("parent_gone") == 2


def test_workers_end_with_their_parent_though_the_store_hangs(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings = {
            "store": {"url": url, "token": "x", "read_timeout": 600},
            "delivery": {"age": 0.01},
        }
        with Service(tmp_path, settings, "--workers", "2") as service:
            workers = _workers_of(service)
            assert accepted(service) == 1
            silent.accept()  # a batch is under way
            _kill_alone(service, signal.SIGKILL)
            _await(lambda: not any(map(_runs, workers)))


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("0.0.0.0", ["127.0.0.1"]),
        ("::1", ["::1"]),
        ("::", ["127.0.0.1", "::1"]),
    ],
)
def test_host_says_on_which_addresses_it_listens(
    tmp_path: Path, host: str, reached: list[str]
) -> None:
    service = Service(tmp_path, None, "--host", host)
    if ":" in host:
        service.url = f"http://[::1]:{service.port}"
    with service:
        found = [address for address in ("127.0.0.1", "::1") if _answers(address, service.port)]
    assert found == reached
    assert f"host={host} port={service.port}" in service.log.read_text()


def test_ipv4_callers_stay_so_when_all_is_listened_to(tmp_path: Path) -> None:
    """Or `service.proxies: [127.0.0.1]` would believe nobody, and all callers were one."""
    settings = {
        "service": {"proxies": ["127.0.0.1"], "rate_limit": {"address": "1/hour"}},
    }
    with Service(tmp_path, settings, "--host", "::") as service:
        codes = [_forwarded(service, f"192.0.2.{number}") for number in (1, 1, 2)]
    assert codes == [401, 429, 401]


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


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=5):
            return True
    except OSError:
        return False


def _forwarded(service: Service, address: str) -> int:
    """Return the status of a request without a key that a proxy passes on for this address."""
    headers = {"X-Forwarded-For": address}
    return httpx.get(f"http://127.0.0.1:{service.port}/v1/key", headers=headers).status_code


def _workers_of(service: Service) -> list[int]:
    """Return the ids of the processes that this one has started."""
    children = Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()
    workers = [int(child) for child in children if b"spawn_main" in _command(int(child))]
    assert len(workers) == 2
    return workers


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def _runs(process: int) -> bool:
    return b"spawn_main" in _command(process)


def _kill_alone(service: Service, how: signal.Signals) -> None:
    """Kill the process and none of its children, as the kernel does that is out of memory."""
    process = service._process
    assert process
    process.send_signal(how)
    process.wait(60)


def _serve(service: Service) -> subprocess.CompletedProcess[str]:
    command = [str(word) for word in service.command()]
    return subprocess.run(
        command, env=service.environment(), capture_output=True, text=True, timeout=120, check=False
    )
