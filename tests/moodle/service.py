"""The real HTTP service over SQLite, and its server keys."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import requests

from tests.servers.process import HOST, Server

_PROGRAM = (sys.executable, "-m", "bridge.cli")


class Service(Server):
    """``progress-bridge serve`` that delivers into an SQLite store.

    `key` is one that may do what the plugin does.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__("service", folder)
        self.store = folder / "progress.db"
        config = {
            "store": {"url": f"sqlite:///{self.store}"},
            "outbox": {"url": f"sqlite:///{folder / 'outbox.db'}"},
            "service": {"keys_file": str(folder / "keys.yaml")},
        }
        self._config = folder / "bridge.yaml"
        self._config.write_text(json.dumps(config))  # JSON is YAML
        self.key = self.new_key(rights=["write", "erase"])

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    def command(self) -> Sequence[str | Path]:
        """One worker, on its port."""
        return [*_PROGRAM, "--config", self._config, "serve", "--port", str(self.port)]

    def environment(self) -> dict[str, str]:
        """Ours, without settings of the bridge that would win over the file."""
        return {k: v for k, v in os.environ.items() if not k.startswith("PROGRESS_BRIDGE_")}

    def ready(self) -> bool:
        """Whether the outbox takes writes."""
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def new_key(self, *, origins: Sequence[str] = ("moodle",), rights: Sequence[str]) -> str:
        """A key as an operator would make it."""
        options = [x for o in origins for x in ("--origin", o)]
        options += [x for r in rights for x in ("--right", r)]
        command = [*_PROGRAM, "--config", self._config, "keys", "new", "--name", "moodle", *options]
        done = subprocess.run(
            command, env=self.environment(), capture_output=True, text=True, timeout=60, check=True
        )
        found = re.search(r"pb_\w+_\S+", done.stdout)
        assert found, done.stderr
        return found[0]

    def rows(self, learner: int) -> list[tuple[str, str | None, str | None, str]]:
        """Grain, sequence, module and instant of what the store has of a learner of Moodle's."""
        sql = """SELECT grain_id, sequence_id, module_id, completed_at FROM progress
            JOIN apprenants ON apprenants.id = apprenant_id
            WHERE origin = 'moodle' AND external_user_id = ? ORDER BY grain_id"""
        return self._ask(sql, str(learner))

    def learners(self) -> int:
        """How many learners the store knows."""
        return len(self._ask("SELECT id FROM apprenants"))

    def _ask(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=10) as store:
            made = store.execute("SELECT 1 FROM sqlite_master WHERE name = 'progress'").fetchone()
            return store.execute(sql, values).fetchall() if made else []


def eventually(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until the service, which delivers in the background, has come so far."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
