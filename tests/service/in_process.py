"""The service inside the test's own process: real HTTP, and its bridge to look into."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socket import create_server
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from bridge import Bridge, Identity, Settings
from bridge.model import Origin
from bridge.service.app import create_app
from bridge.service.auth.keys import KeyRight, ServerKey, new_key, read_keys, write_keys
from bridge.service.worker import uvicorn_config
from bridge.tokens import Tokens
from tests.servers.process import HOST

SECRET = "a secret of at least thirty-two bytes"
GUEST = Identity("direct", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
SITE = "https://cours.example.org"


class InProcessService:
    """A service that runs in a thread of the test.

    Attributes:
        app: its application.
        bridge: its bridge.
        client: speaks to it, with no key.
        folder: where its files are.
    """

    def __init__(self, app: FastAPI, url: str, folder: Path) -> None:
        self.app = app
        self.url = url
        self.folder = folder
        self.client = httpx.Client(base_url=url)

    @property
    def bridge(self) -> Bridge:
        bridge: Bridge = self.app.state.bridge
        return bridge

    @property
    def tokens(self) -> Tokens:
        tokens: Tokens = self.app.state.tokens
        return tokens

    def key(
        self, origins: Collection[str] = tuple(Origin), rights: Collection[str] = tuple(KeyRight)
    ) -> str:
        """Add a server key, and return its text."""
        key, text = new_key("tests", [Origin(o) for o in origins], [KeyRight(r) for r in rights])
        self.write([*read_keys(self.folder / "keys.yaml"), key])
        return text.reveal()

    def write(self, keys: list[ServerKey]) -> None:
        """Replace the keys, and have the service read them at once."""
        write_keys(self.folder / "keys.yaml", keys)
        self.app.state.authenticator._keys._next_check = 0.0

    def post(self, body: Any, token: str) -> httpx.Response:
        """Send completions, with a key or token."""
        return self.client.post("/v1/completions", json=body, headers=bearer(token))

    def waiting(self) -> int:
        """Return how many completions are in the outbox."""
        assert self.bridge.outbox
        return self.bridge.outbox.counts().waiting


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def settings(folder: Path, more: Mapping[str, Any] | None = None) -> Settings:
    """Return settings: a store in memory, an outbox on SQLite, one key for tokens.

    Sections of ``more`` replace them.
    """
    if not (folder / "keys.yaml").exists():
        write_keys(folder / "keys.yaml", [])
    merged: dict[str, Any] = {
        "store": {"url": "memory:"},
        "outbox": {"url": f"sqlite:///{folder}/outbox.db", "timeout": 0.5},
        "tokens": {"keys": [{"id": "now", "secret": SECRET}]},
        **(more or {}),
    }
    merged["service"] = {
        "keys_file": str(folder / "keys.yaml"),
        "sites": [SITE],
        "guests": True,
        "rate_limit": {"key": "off", "token": "off", "address": "off"},
        **merged.get("service", {}),
    }
    return Settings.from_mapping(merged)


@contextmanager
def serving(
    folder: Path, more: Mapping[str, Any] | None = None, **how: Any
) -> Iterator[InProcessService]:
    """Serve in a thread, without delivering unless told to (``deliver=True``)."""
    found = settings(folder, more)
    app = create_app(found, **{"deliver": False, **how})
    with create_server((HOST, 0)) as listener:
        server = uvicorn.Server(uvicorn_config(app, found))
        ended = threading.Thread(target=server.run, args=([listener],))
        ended.start()
        service = InProcessService(app, f"http://{HOST}:{listener.getsockname()[1]}", folder)
        try:
            with service.client:
                yield service
        finally:
            server.should_exit = True
            ended.join()
