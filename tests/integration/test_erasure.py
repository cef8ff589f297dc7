"""An erasure that was asked for, through a store's outage and a deliverer's death."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from bridge import Bridge, Identity, Settings
from bridge.outbox import Counts
from tests.contract.learners import done, somebody
from tests.servers import ROOT
from tests.servers.need import need
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis

PATIENCE: Final = 60.0
LEASE: Final = 3
CONFIG: Final = """
store: {{url: "{store}"}}
outbox: {{url: "{outbox}", timeout: 30}}
delivery: {{backoff_max: 1, lease: {lease}}}
"""


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for another process to bring it about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.05)


def somebody_waits(connection: psycopg.Connection) -> bool:
    """Return whether somebody waits for a lock in the base."""
    found = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return bool(found and found[0])


class Site:
    """An outbox, a base that can be stopped, and the command line on both.

    Attributes:
        postgres: the base's server.
        log: what the deliverers logged.
    """

    def __init__(self, folder: Path, postgres: Postgres, redis: Redis | None) -> None:
        self.postgres = postgres
        self.log = folder / "deliver.log"
        self._redis = redis
        self._file = folder / "outbox.db"
        self._config = folder / "bridge.yaml"
        outbox = redis.url if redis else f"sqlite:///{self._file}"
        store = postgres.url("site")
        self._config.write_text(CONFIG.format(store=store, outbox=outbox, lease=LEASE))

    def bridge(self) -> Bridge:
        return Bridge.from_settings(Settings.load(self._config))

    def counts(self) -> Counts:
        with self.bridge() as bridge:
            assert bridge.outbox
            return bridge.outbox.counts()

    def put(self, who: Identity, *grains: str) -> None:
        with self.bridge() as bridge:
            list(bridge.record_many(done(who, grain) for grain in grains))

    @contextmanager
    def deliverer(self) -> Iterator[subprocess.Popen[bytes]]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(self._command("deliver"), cwd=ROOT, stderr=log)
        try:
            yield process
            process.terminate()
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()

    def status(self) -> tuple[str, dict[str, Any]]:
        """Return what status says in words, and in JSON."""
        said = subprocess.run(self._command("status"), cwd=ROOT, stdout=-1, check=False).stdout
        answer = subprocess.run(
            self._command("status", "--json"), cwd=ROOT, stdout=-1, check=False
        ).stdout
        return said.decode(), json.loads(answer)

    def rows(self, who: Identity) -> list[str]:
        """Return the learner's grains, ``[""]`` for a learner without any."""
        with psycopg.connect(self.postgres.url("site")) as connection:
            found = connection.execute(
                "SELECT coalesce(grain_id, '') FROM apprenants a"
                " LEFT JOIN progress p ON p.apprenant_id = a.id"
                " WHERE origin = %s AND external_user_id = %s ORDER BY 1",
                [str(who.origin), who.external_user_id],
            ).fetchall()
        return [grain for (grain,) in found]

    @contextmanager
    def outbox_stuck(self) -> Iterator[None]:
        """Keep everything from being acknowledged: lock the file, or stop Redis."""
        if self._redis:
            os.kill(self._redis.pid, signal.SIGSTOP)
            try:
                yield
            finally:
                os.kill(self._redis.pid, signal.SIGCONT)
            return
        with closing(sqlite3.connect(self._file, isolation_level=None, timeout=30)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield

    def freeze(self, deliverer: subprocess.Popen[bytes]) -> None:
        """Stop a deliverer at a moment when it does not hold the lock of the outbox's file.

        Another of its threads may be renewing a lease just then.
        """
        while True:
            deliverer.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, deliverer.pid, os.WSTOPPED)
            if self._redis or self._file_is_free():
                return
            deliverer.send_signal(signal.SIGCONT)

    def _file_is_free(self) -> bool:
        with closing(sqlite3.connect(self._file, isolation_level=None, timeout=0)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
        return True

    @contextmanager
    def learner_locked(self, who: Identity) -> Iterator[Callable[[], bool]]:
        """Keep everybody from erasing the learner, and give a way to ask who waits for it."""
        with psycopg.connect(self.postgres.url("site")) as connection:
            connection.execute(
                "SELECT 1 FROM apprenants WHERE external_user_id = %s FOR UPDATE",
                [who.external_user_id],
            )

            yield lambda: somebody_waits(connection)
            connection.rollback()

    def _command(self, *words: str) -> list[str | Path]:
        return [sys.executable, "-m", "bridge.cli", "--config", self._config, *words]


@pytest.fixture(params=["sqlite", "redis"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    need("postgresql", *(["redis"] if request.param == "redis" else []))
    with Postgres() as postgres:
        postgres.create_database("site")
        postgres.psql("site", ROOT / "sql/schema-multi-origin.sql")
        if request.param == "sqlite":
            yield Site(tmp_path, postgres, None)
            return
        with Redis(tmp_path, appendonly=True) as redis:
            yield Site(tmp_path, postgres, redis)


def test_an_erasure_outlives_the_store_and_the_deliverer(site: Site) -> None:
    gone, stays = somebody("funmooc"), somebody("funmooc")
    site.put(gone, "a", "b")
    site.put(stays, "a", "b")
    with site.deliverer():
        until(lambda: len(site.rows(gone) + site.rows(stays)) == 4, "all is recorded")
    site.postgres.stop()

    site.put(gone, "waits")
    site.put(stays, "c")
    with site.bridge() as bridge:
        assert not bridge.request_erasure("funmooc", gone.external_user_id)
    site.put(gone, "late")
    with site.deliverer() as killed:
        until(lambda: "RETRYING" in site.status()[0], "status tells that the store is down")
        said, answer = site.status()
        assert (answer["erasures"], answer["state"]) == (1, "retrying")
        assert "Erasures      1 " in said

        killed.send_signal(signal.SIGSTOP)  # else it may have erased before we lock
        site.postgres.start()
        with ExitStack() as stuck:
            with site.learner_locked(gone) as waited_for:
                killed.send_signal(signal.SIGCONT)
                until(waited_for, "the deliverer is erasing")
                stuck.enter_context(site.outbox_stuck())
            until(lambda: site.rows(gone) == [], "the learner is erased")
            killed.kill()
            killed.wait()
    assert site.counts().erasures == 1, "nothing was acknowledged"

    with site.deliverer():
        until(lambda: site.counts().erasures == 0, "the next deliverer has finished it")
        until(lambda: site.rows(stays) == ["a", "b", "c"], "the others are untouched")
        assert site.rows(gone) == []
        until(lambda: site.status()[1]["state"] == "idle", "status tells that nothing waits")
    assert site.counts().waiting == 0
    log = site.log.read_text()
    assert "learner_erased" in log
    assert gone.external_user_id not in log
    assert stays.external_user_id not in log


def test_what_a_frozen_deliverer_records_late_is_erased(site: Site) -> None:
    gone = somebody("funmooc")
    site.put(gone, "first")
    with site.deliverer() as frozen:
        until(lambda: site.rows(gone) == ["first"], "the first is recorded")
        with psycopg.connect(site.postgres.url("site")) as base:
            base.execute("LOCK TABLE progress IN SHARE MODE")
            site.put(gone, "late")
            until(lambda: somebody_waits(base), "the deliverer is recording")
            site.freeze(frozen)
        with site.bridge() as bridge:
            bridge.request_erasure("funmooc", gone.external_user_id)
        with site.deliverer():
            until(lambda: site.counts().leased == 0, "the frozen one has lost its leases")
            frozen.send_signal(signal.SIGCONT)
            until(lambda: site.counts().erasures == 0, "the erasure is done")
            assert site.rows(gone) == []
