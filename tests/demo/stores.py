"""Where the demo records: an embedded SQLite, or a real Directus over SQLite."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.servers.directus import Directus, create_tables, set_up
from tests.servers.process import HeldPort

DIRECTUS: Final = "11.17.4"
COMMAND: Final = Path(sys.executable).with_name("progress-bridge")
"""The command of the virtual environment that the demo runs in."""


@dataclass(frozen=True)
class DemoStore:
    """A store that is ready.

    Attributes:
        settings: how the bridge reaches it.
        notes: what to tell about it: a label, and what to open or type.
    """

    settings: dict[str, Any]
    notes: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def sqlite(folder: Path) -> Iterator[DemoStore]:
    """Yield a file in the folder, whose rows are still there the next time."""
    yield DemoStore({"store": {"url": f"sqlite:///{folder / 'progress.db'}"}})


@contextmanager
def directus(folder: Path) -> Iterator[DemoStore]:
    """Run a Directus in the folder, set up by `progress-bridge setup`.

    Raises:
        ServerError: it did not start, or was not set up; with what was said.
    """
    server, tables = _server(folder / "directus"), folder / "directus/tables-made"
    with server:
        if not tables.exists():
            create_tables(server)
            tables.touch()
        set_up(server)
        yield DemoStore(
            {"store": {"url": server.url, "token_file": str(server.token_file)}},
            [
                ("Directus", f"{server.url}/admin"),
                ("Log in with", f"{server.admin_email}  {server.admin_password}"),
            ],
        )


def _server(folder: Path) -> Directus:
    """Return a Directus whose admin stays from one run to the next, as its database does."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "admin.json"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(json.dumps([secrets.token_hex(16), secrets.token_hex(8)]))
    token, password = json.loads(kept.read_text())
    admin = {"ADMIN_TOKEN": token, "ADMIN_PASSWORD": password}
    server = Directus(DIRECTUS, folder, env=admin, port=HeldPort.this_or_any(8055))
    server.admin_token, server.admin_password = token, password
    return server


STORES: Final = {"sqlite": sqlite, "directus": directus}
