"""From the outbox to the real Directus, by the real `progress-bridge deliver`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

import psycopg
import pytest

from bridge import Completion
from bridge.cli.deliver import END_WITHIN
from bridge.config import OutboxSettings
from bridge.outbox import Counts
from bridge.outbox.sqlite import SQLiteOutbox
from tests.contract.learners import done, somebody
from tests.servers import ROOT
from tests.servers.directus import Directus
from tests.servers.process import HOST, HeldPort

PATIENCE: Final = 60.0
CONFIG: Final = """
store: {{url: "{url}", token_file: "{token_file}", read_timeout: 60}}
outbox: {{url: "sqlite:///{outbox}"}}
delivery: {{batch: 100, probe: 1, backoff_max: 1, lease: 5}}
"""


class Deliveries:
    """An outbox, and the command line on it.

    Attributes:
        outbox: the outbox.
        log: what the last deliverer logged.
    """

    def __init__(self, folder: Path, directus: Directus) -> None:
        path = folder / "outbox.db"
        self.config = folder / "bridge.yaml"
        self.config.write_text(
            CONFIG.format(url=directus.url, token_file=directus.token_file, outbox=path)
        )
        self.outbox = SQLiteOutbox(OutboxSettings(url=f"sqlite:///{path}"))
        self.log = folder / "deliver.log"

    @contextmanager
    def deliverer(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run `progress-bridge deliver`, and kill it in the end when it still runs."""
        with self.log.open("wb") as log:
            process = subprocess.Popen(self._command("deliver", *words), cwd=ROOT, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def status(self) -> dict[str, Any]:
        command = self._command("status", "--json")
        return json.loads(subprocess.run(command, cwd=ROOT, stdout=-1, check=False).stdout)

    def empty(self) -> bool:
        counts = self.outbox.counts()
        return counts.waiting + counts.leased == 0

    def _command(self, *words: str) -> list[str | Path]:
        return [sys.executable, "-m", "bridge.cli", "--config", self.config, *words]


@pytest.fixture
def deliveries(tmp_path: Path, directus_pg: Directus) -> Iterator[Deliveries]:
    found = Deliveries(tmp_path, directus_pg)
    with closing(found.outbox):
        yield found


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for another process to bring it about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.05)


def some(count: int) -> list[Completion]:
    """Make completions of new learners, four grains each."""
    learners = [somebody(origin) for origin in ("moodle", "funmooc", "direct")]
    learners += [somebody() for _ in range(count // 4)]
    return [done(learners[n // 4], f"grain-{n % 4}", hours=n % 7) for n in range(count)]


def rows(directus: Directus, completions: Sequence[Completion]) -> list[tuple[Any, ...]]:
    """Return what the database holds of these completions' learners."""
    assert directus.database_url
    ids = list({completion.identity.external_user_id for completion in completions})
    with psycopg.connect(directus.database_url) as connection:
        return connection.execute(
            "SELECT a.origin, a.external_user_id, p.grain_id, p.completed_at"
            " FROM progress p JOIN apprenants a ON a.id = p.apprenant_id"
            " WHERE a.external_user_id = ANY(%s)",
            [ids],
        ).fetchall()


def assert_recorded_once(directus: Directus, completions: Sequence[Completion]) -> None:
    expected = [
        (str(c.identity.origin), c.identity.external_user_id, c.grain_id, c.completed_at)
        for c in completions
    ]
    assert sorted(rows(directus, completions)) == sorted(expected)


def end(process: subprocess.Popen[bytes]) -> float:
    """Send SIGTERM, and return the seconds until it has ended with exit code 0."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    return time.monotonic() - began


def test_what_waits_arrives_once_each(deliveries: Deliveries, directus_pg: Directus) -> None:
    completions = some(1200)
    deliveries.outbox.put(completions)
    deliveries.outbox.put(completions[:300])
    with deliveries.deliverer() as one, deliveries.deliverer() as two:
        until(deliveries.empty, "the outbox is empty")
        assert end(one) < 30
        assert end(two) < 30
    assert_recorded_once(directus_pg, completions)
    assert deliveries.outbox.counts() == Counts(0, 0, 0, None)


def test_a_revoked_token_pauses_and_its_return_resumes(
    deliveries: Deliveries, directus_pg: Directus
) -> None:
    token = directus_pg.token_file.read_text().strip()
    user = directus_pg.request("GET", "/users/me?fields=id", token=token).json()["data"]["id"]
    completions = some(250)
    directus_pg.request("PATCH", f"/users/{user}", {"token": None})
    try:
        deliveries.outbox.put(completions)
        with deliveries.deliverer():
            until(lambda: deliveries.status()["state"] == "paused", "status says paused")
            told = deliveries.status()
            assert "the token is not valid (HTTP 401)" in told["why"]
            assert "progress-bridge check" in told["remedy"]
            assert told["waiting"] + told["leased"] == 250
            assert rows(directus_pg, completions) == []
            directus_pg.request("PATCH", f"/users/{user}", {"token": token})
            until(deliveries.empty, "delivery has resumed by itself")
    finally:
        directus_pg.request("PATCH", f"/users/{user}", {"token": token})
    assert_recorded_once(directus_pg, completions)
    log = deliveries.log.read_text()
    assert log.count("delivery_paused") == 1
    assert "delivery_resumed" in log
    assert token not in log
    assert not any(c.identity.external_user_id in log for c in completions)


@contextmanager
def locked(directus: Directus) -> Iterator[psycopg.Connection]:
    """Keep everybody from writing to progress: who tries waits."""
    assert directus.database_url
    with psycopg.connect(directus.database_url) as connection:
        connection.execute("LOCK TABLE progress IN SHARE MODE")
        yield connection
        connection.rollback()


def writers_wait(connection: psycopg.Connection) -> bool:
    """Return whether Directus has begun to write and cannot go on."""
    found = connection.execute(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'progress'::regclass"
    ).fetchone()
    return bool(found and found[0])


def test_sigterm_finishes_the_batch_under_way(
    deliveries: Deliveries, directus_pg: Directus
) -> None:
    completions = some(20)
    deliveries.outbox.put(completions)
    with deliveries.deliverer() as process:
        with locked(directus_pg) as connection:
            until(lambda: writers_wait(connection), "a batch is being written")
            process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
        assert process.wait(PATIENCE) == 0
    assert deliveries.empty()
    assert_recorded_once(directus_pg, completions)


def test_sigterm_gives_back_unfinished_work_in_time(
    deliveries: Deliveries, directus_pg: Directus
) -> None:
    completions = some(20)
    deliveries.outbox.put(completions)
    with locked(directus_pg) as connection, deliveries.deliverer() as process:
        until(lambda: writers_wait(connection), "a batch is being written")
        assert end(process) < END_WITHIN + 20
        assert deliveries.outbox.counts().waiting == 20
        assert "given_back=20" in deliveries.log.read_text()
    with deliveries.deliverer():
        until(deliveries.empty, "the next deliverer has delivered them")
    assert_recorded_once(directus_pg, completions)


def test_a_killed_deliverers_lease_goes_to_the_next(
    deliveries: Deliveries, directus_pg: Directus
) -> None:
    completions = some(20)
    deliveries.outbox.put(completions)
    with locked(directus_pg) as connection, deliveries.deliverer() as process:
        until(lambda: writers_wait(connection), "a batch is being written")
        process.kill()
        process.wait()
    with deliveries.deliverer():
        until(deliveries.empty, "the next deliverer has delivered them")
    assert_recorded_once(directus_pg, completions)


def test_directus_going_away_and_coming_back_is_survived(
    deliveries: Deliveries, start_directus: Callable[..., Directus]
) -> None:
    directus = start_directus("11.17.4")
    deliveries.config.write_text(
        CONFIG.format(
            url=directus.url,
            token_file=directus.token_file,
            outbox=deliveries.config.with_name("outbox.db"),
        )
    )
    directus.kill()
    deliveries.outbox.put(some(10))
    with deliveries.deliverer():
        until(lambda: deliveries.status()["state"] == "retrying", "status says retrying")
        assert "no connection: refused" in deliveries.status()["why"]
        directus.start()
        until(deliveries.empty, "delivery has gone on")
    directus.stop()


def test_metrics_and_json_logs_come_when_asked(deliveries: Deliveries) -> None:
    held = HeldPort()
    port = held.number
    deliveries.outbox.put(some(8))
    with deliveries.deliverer("--metrics-port", str(port), "--log-json") as process:
        until(deliveries.empty, "all is delivered")
        with urlopen(f"http://{HOST}:{port}/metrics", timeout=60) as answer:
            said = answer.read().decode()
        assert end(process) < 30
    assert 'progress_bridge_delivered_total{outcome="created"} 8.0' in said
    assert "progress_bridge_backlog 0.0" in said
    events = [json.loads(line)["event"] for line in deliveries.log.read_text().splitlines()]
    assert events == ["delivery_started", "delivery_stopped"]


def test_an_empty_outbox_ends_at_once(deliveries: Deliveries) -> None:
    with deliveries.deliverer() as process:
        until(lambda: len(deliveries.outbox.notes()) == 1, "it has reported")
        (note,) = deliveries.outbox.notes()
        assert note.worker.endswith(f":{process.pid}")
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(PATIENCE) == 0
    assert deliveries.status()["deliverers"][0]["state"] == "stopped"
