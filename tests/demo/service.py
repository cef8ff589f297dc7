"""The service with the mini-site, as a server, and what it and the workbench have to share."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import requests
import yaml

from bridge import Origin
from bridge.service.auth.keys import KeyRight, new_key, write_keys
from tests.servers import ROOT
from tests.servers.process import HOST, HeldPort, Server

CONFIGURATION: Final = "service.yaml"
"""In the demo's folder; `progress-bridge --config` reads it as well."""


class Service(Server):
    """The service, recording into the demo's store.

    Moodle's key for it is made anew each time.

    Args:
        folder: must exist.
        store: the store's settings.
        course: the address of the pages that may embed the mini-site's.
        port: default: a free one.

    Attributes:
        moodle_key: what Moodle's plugin would be given.
    """

    def __init__(
        self, folder: Path, store: Mapping[str, Any], course: str, port: HeldPort | None = None
    ) -> None:
        super().__init__("service", folder, port)
        self._course = course.rstrip("/")
        key, text = new_key("moodle", [Origin.MOODLE], [KeyRight.WRITE, KeyRight.READ])
        write_keys(folder / "keys.yaml", [key])
        self.moodle_key = text.reveal()
        self.tokens = {"keys": [{"id": "demo", "secret_file": str(_token_key(folder))}]}
        settings = {
            **store,
            "outbox": {"url": f"sqlite:///{folder / 'outbox.db'}"},
            "tokens": self.tokens,
            "service": {
                "keys_file": str(folder / "keys.yaml"),
                "sites": [self.url],
                "guests": True,
            },
        }
        self.configuration.write_text(yaml.safe_dump(settings), encoding="utf-8")

    @property
    def configuration(self) -> Path:
        """Return the path of the service's settings."""
        return self.folder / CONFIGURATION

    @property
    def url(self) -> str:
        """Return the service's origin."""
        return f"http://{HOST}:{self.port}"

    def command(self) -> Sequence[str | Path]:
        words = ["--config", self.configuration, "--port", str(self.port), "--course", self._course]
        return [sys.executable, "-m", "tests.demo.mini_site", *words]

    def environment(self) -> Mapping[str, str]:
        """Return ours, less what would configure the bridge behind the settings' back."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PROGRESS_BRIDGE_")}
        return {**kept, "PYTHONPATH": str(ROOT)}

    def ready(self) -> bool:
        """Return whether it accepts completions."""
        try:
            return requests.get(f"{self.url}/readyz", timeout=10).ok
        except requests.ConnectionError:
            return False


def _token_key(folder: Path) -> Path:
    """Make the key of learner tokens once: it stays from one run to the next, as tokens do."""
    path = folder / "token-key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
    return path
