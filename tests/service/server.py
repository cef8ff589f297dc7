"""`progress-bridge serve`, in processes of its own."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bridge.model import Origin
from bridge.service.auth.keys import KeyRight, new_key, write_keys
from tests.servers.process import HOST, Server


class Service(Server):
    """The service over a configuration; with a key for everything.

    Args:
        folder: for its files; must exist.
        settings: in the shape of the YAML file. A store and an outbox on SQLite unless given.
        words: options of `serve`.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, Any] | None = None, *words: str
    ) -> None:
        super().__init__("service", folder)
        key, text = new_key("tests", list(Origin), list(KeyRight))
        write_keys(folder / "keys.yaml", [key])
        self.key = text.reveal()
        self.url = f"http://{HOST}:{self.port}"
        self._words = words
        merged = {
            "store": {"url": f"sqlite:///{folder}/store.db"},
            "outbox": {"url": f"sqlite:///{folder}/outbox.db"},
            **(settings or {}),
        }
        merged["service"] = {"keys_file": f"{folder}/keys.yaml", **merged.get("service", {})}
        self.config = folder / "bridge.yaml"
        self.config.write_text(yaml.safe_dump(merged))

    def command(self) -> Sequence[str | Path]:
        command = [sys.executable, "-m", "bridge.cli", "--config", self.config, "serve"]
        return [*command, "--port", str(self.port), *self._words]

    def environment(self) -> Mapping[str, str]:
        return {k: v for k, v in os.environ.items() if not k.startswith("PROGRESS_BRIDGE_")}

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def get(self, path: str) -> Any:
        """Send a GET with the key, and return its JSON."""
        request = urllib.request.Request(
            self.url + path, headers={"Authorization": f"Bearer {self.key}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())
