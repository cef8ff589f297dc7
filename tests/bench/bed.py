"""What benchmarks run on: the real servers, each started when first asked for."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from tests.servers import ROOT
from tests.servers.directus import Directus, create_tables, set_up
from tests.servers.postgres import Postgres

DIRECTUS: Final = "11.17.4"
SCHEMA: Final = ROOT / "sql/schema-multi-origin.sql"


class Bed:
    """A context manager that stops the servers and removes the files at its end.

    Args:
        scale: by how much every size is multiplied; 1 is what the bars are for.
        postgres: one that runs already, instead of one with PostgreSQL's default durability.
        directus: one that runs already and is set up.
    """

    def __init__(
        self,
        scale: float = 1.0,
        *,
        postgres: Postgres | None = None,
        directus: Directus | None = None,
    ) -> None:
        self._scale = scale
        self._stack = ExitStack()
        if postgres is not None:
            self.postgres = postgres
        if directus is not None:
            self.directus = directus

    def count(self, full: int) -> int:
        """Return the size to use where ``full`` is asked for."""
        return max(1, round(full * self._scale))

    @cached_property
    def folder(self) -> Path:
        """Make a folder for files, on a disk, not in memory."""
        path = Path(tempfile.mkdtemp(prefix="bench-", dir="/var/tmp"))
        self._stack.callback(shutil.rmtree, path, ignore_errors=True)
        return path

    @cached_property
    def postgres(self) -> Postgres:
        """Start a PostgreSQL that syncs every commit to the disk, as it does by default."""
        return self._stack.enter_context(Postgres(fsync=True))

    @cached_property
    def directus(self) -> Directus:
        """Start Directus 11 over that PostgreSQL, as `progress-bridge setup` leaves it."""
        url = self.postgres.create_database("directus")
        server = self._stack.enter_context(Directus(DIRECTUS, self.folder / "directus", url))
        create_tables(server)
        set_up(server)
        return server

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
