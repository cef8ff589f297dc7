"""Several processes on one outbox, and what is left when they, or Redis, are killed."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from bridge.errors import OutboxUnavailable
from bridge.outbox import Outbox
from tests.contract.learners import done, somebody
from tests.contract.outbox.conftest import Home, redis_home
from tests.servers import ROOT
from tests.servers.need import need
from tests.servers.redis import Redis


@contextmanager
def worker(home: Home, what: str, name: str = "") -> Iterator[subprocess.Popen[str]]:
    settings = home.settings
    command = [sys.executable, "-m", "tests.contract.outbox.worker"]
    with subprocess.Popen(
        [*command, what, settings.url, settings.prefix, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def taken(outbox: Outbox) -> list[str]:
    """Take the grains of all there is, which is done with afterwards."""
    grains = []
    while items := outbox.lease(1000, 600):
        grains += [item.completion.grain_id for item in items]
        assert outbox.done(items) == len(items)
    return grains


def check_kept(promised: set[str], grains: list[str]) -> None:
    """Check that all that was promised is there, and of the rest whole batches or nothing."""
    parts = Counter(grain.rpartition(".")[0] for grain in grains)
    assert len(set(grains)) == len(grains)
    assert promised <= set(parts)
    assert {batch: count for batch, count in parts.items() if count != int(batch[-1])} == {}


def read(process: subprocess.Popen[str], lines: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(lines)]


def test_a_killed_process_keeps_whole_batches_it_put(home: Home) -> None:
    promised: set[str] = set()
    for turn, lines in enumerate((1, 7, 20, 43)):
        with worker(home, "put", f"w{turn}") as process:
            promised.update(read(process, lines))
            process.kill()
            assert process.stdout is not None
            promised.update(process.stdout.read().split())
    check_kept(promised, taken(home.open()))
    assert home.open().counts().waiting == 0


def test_a_killed_process_keeps_nobody_from_putting(home: Home, outbox: Outbox) -> None:
    with worker(home, "put", "w") as process:
        read(process, 5)
        process.kill()
    outbox.put([done(somebody(), "after")])
    assert "after" in taken(outbox)


def test_two_processes_deliver_everything_once(home: Home, outbox: Outbox) -> None:
    outbox.put([done(somebody(), str(number)) for number in range(500)])
    with worker(home, "take") as one, worker(home, "take") as two:
        assert read(one, 1) + read(two, 1) == ["ready", "ready"]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda process: process.communicate("go\n", 120), (one, two)))
        assert (one.returncode, two.returncode) == (0, 0)
    each = [output.split() for output, _ in answers]
    assert all(each)
    delivered = each[0] + each[1]
    assert sorted(delivered, key=int) == [str(number) for number in range(500)]
    assert outbox.counts().waiting == 0


def test_threads_putting_and_delivering_lose_or_double_nothing(home: Home) -> None:
    outbox, delivered, puts_over = home.open(), [], Event()

    def put(thread: int) -> None:
        for number in range(40):
            outbox.put([done(somebody(), f"{thread}.{number}")])

    def deliver() -> None:
        while not puts_over.is_set() or outbox.counts().waiting:
            items = outbox.lease(5, 600)
            assert outbox.done(items) == len(items)
            delivered.extend(item.completion.grain_id for item in items)

    with ThreadPoolExecutor(7) as pool:
        deliverers = [pool.submit(deliver) for _ in range(2)]
        for job in [pool.submit(put, thread) for thread in range(5)]:
            job.result()
        puts_over.set()
        for job in deliverers:
            job.result()
    assert sorted(delivered) == sorted(f"{t}.{n}" for t in range(5) for n in range(40))


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    need("redis")
    with Redis(tmp_path, appendonly=True) as server:
        yield server


def test_what_redis_promised_survives_its_being_killed(own_redis: Redis) -> None:
    home = redis_home(own_redis.url)
    outbox = home.open()
    promised: set[str] = set()
    for turn, lines in enumerate((3, 19, 40)):
        with worker(home, "put", f"w{turn}") as process:
            promised.update(read(process, lines))
            own_redis.kill()
            assert process.stdout is not None
            promised.update(process.stdout.read().split())
        with pytest.raises(OutboxUnavailable, match="cannot be reached"):
            outbox.counts()
        own_redis.start()
    leased = outbox.lease(2, 600)
    own_redis.kill()
    own_redis.start()
    assert outbox.done(leased) == 2
    kept = taken(outbox) + [item.completion.grain_id for item in leased]
    check_kept(promised, kept)
    outbox.close()
