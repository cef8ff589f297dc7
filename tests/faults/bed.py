"""The servers of a campaign, and what the bridge is told of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import psycopg
import yaml

from tests.faults.proxy import Proxy
from tests.faults.restore import Restores
from tests.servers import CACHE
from tests.servers.directus import Directus, create_tables, set_up
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis
from tests.servers.small_disk import SmallDisk, loop_disk, why_no_mount

DIRECTUS: Final = "11.17.4"
DATABASE: Final = "directus"
REFUSE: Final = Path(__file__).with_name("refuse.sql")

OUTBOXES: Final = ("sqlite", "redis")

# Shorter than anybody would set them, so that a fault costs the campaign seconds, not minutes.
STORE: Final = {"connect_timeout": 1.0, "read_timeout": 3.0, "learner_cache": 1000}
DELIVERY: Final = {
    "batch": 200,
    "age": 0.1,
    "backoff": 0.2,
    "backoff_max": 2.0,
    "probe": 1.0,
    "lease": 4.0,
}
OUTBOX_TIMEOUT: Final = 1.0

_DISK_MEGABYTES: Final = 256
"""Several times what the outbox of a whole campaign takes."""


class AdjustableDirectus(Directus):
    """A Directus that takes other environment variables from its next start on."""

    adjusted: Mapping[str, str] = {}

    def environment(self) -> Mapping[str, str]:
        """Return the usual variables with the adjustments over them."""
        return {**super().environment(), **self.adjusted}


class Bed:
    """Real servers, each on its own, for they are killed. A context manager.

    Args:
        outbox: ``sqlite`` or ``redis``.
    """

    def __init__(self, outbox: str) -> None:
        self.outbox = outbox
        # Not under /tmp, which may be in memory: the outbox's commits are to reach a disk.
        self.folder = Path(tempfile.mkdtemp(prefix="faults-", dir="/var/tmp"))
        self._stack = ExitStack()
        self.redis: Redis | None = None
        self.disk: SmallDisk | None = None
        self.restores = Restores()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self) -> None:
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.postgres = self._stack.enter_context(Postgres())
        url = self.postgres.create_database(DATABASE)
        self.directus = self._stack.enter_context(
            AdjustableDirectus(DIRECTUS, self.folder / "directus", url)
        )
        create_tables(self.directus)
        set_up(self.directus)
        self.postgres.psql(DATABASE, REFUSE)
        if self.outbox == "redis":
            folder = self.folder / "redis"
            folder.mkdir()
            self.redis = self._stack.enter_context(Redis(folder, appendonly=True))
        elif not why_no_mount():
            image = self.folder / "disk.img"
            disk = loop_disk(self.outbox_file.parent, image, _DISK_MEGABYTES)
            self.disk = self._stack.enter_context(disk)
        else:
            self.outbox_file.parent.mkdir()
        self.proxy = self._stack.enter_context(Proxy(self.directus.port))
        self.config.write_text(yaml.safe_dump(self._settings()))
        self._stack.callback(self._keep_logs)

    def _keep_logs(self) -> None:
        """Keep the logs of the last campaign on this outbox."""
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir(parents=True)
        for log in (*self.folder.rglob("*.log"), self.postgres.log):
            shutil.copy(log, self.logs)

    @property
    def logs(self) -> Path:
        """Return where the logs are when the campaign is over."""
        return CACHE / "logs" / f"faults-{self.outbox}"

    @property
    def config(self) -> Path:
        """Return the YAML file of every process of the bridge."""
        return self.folder / "bridge.yaml"

    @property
    def outbox_file(self) -> Path:
        """Return where the SQLite outbox is: on a disk of its own, where one can be mounted."""
        return self.folder / "disk" / "outbox.db"

    @cached_property
    def bridge_user(self) -> tuple[str, str]:
        """Return id and token of the user that the bridge is in Directus."""
        token = self.directus.token_file.read_text().strip()
        answer = self.directus.request("GET", "/users/me?fields=id", token=token)
        return answer.json()["data"]["id"], token

    @contextmanager
    def base(self) -> Iterator[psycopg.Connection]:
        """Open a connection to the base, past Directus and proxy."""
        with psycopg.connect(self.directus.database_url or "", autocommit=True) as connection:
            yield connection

    def holds(self, external_user_id: str, grain: str) -> bool:
        """Return whether there is a row, False also while the base cannot say."""
        query = (
            "SELECT 1 FROM progress p JOIN apprenants a ON a.id = p.apprenant_id "
            "WHERE a.external_user_id = %s AND p.grain_id = %s"
        )
        with suppress(psycopg.Error), self.base() as base:
            return base.execute(query, (external_user_id, grain)).fetchone() is not None
        return False

    def _settings(self) -> dict[str, object]:
        url = self.redis.url if self.redis else f"sqlite:///{self.outbox_file}"
        token_file = str(self.directus.token_file)
        return {
            "store": {"url": self.proxy.url, "token_file": token_file, **STORE},
            "outbox": {"url": url, "timeout": OUTBOX_TIMEOUT},
            "delivery": dict(DELIVERY),
        }
