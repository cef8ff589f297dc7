"""xblock-sdk's workbench with the XBlock in it, as a server."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import requests
import yaml

from tests.servers import ROOT
from tests.servers.process import HOST, HeldPort, Server

CONFIGURATION: Final = "progress-bridge.yaml"
"""In the demo's folder: the block's settings, and a configuration for `progress-bridge`."""


class Workbench(Server):
    """The workbench, whose state and log stay in its folder.

    Args:
        folder: made when it is not there.
        settings: what the platform team would put into ``XBLOCK_SETTINGS["ProgressXBlock"]``.
        port: default: a free one.
    """

    ready_within = 120.0  # 5 s at best

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], port: HeldPort | None = None
    ) -> None:
        (folder / "var").mkdir(parents=True, exist_ok=True)
        super().__init__("workbench", folder, port)
        self.configure(settings)

    @property
    def configuration(self) -> Path:
        """Return the file of the block's settings, which `progress-bridge --config` reads, too."""
        return self.folder / CONFIGURATION

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Change the block's settings, which count from the next click on."""
        self.configuration.write_text(yaml.safe_dump(dict(settings)), encoding="utf-8")

    @property
    def url(self) -> str:
        """Return the address of the first page."""
        return f"http://{HOST}:{self.port}/"

    def command(self) -> Sequence[str | Path]:
        """Return Django's development server, without the reloader: it leaves a child behind."""
        return self._django("runserver", "--noreload", f"{HOST}:{self.port}")

    def environment(self) -> Mapping[str, str]:
        """Return ours, less what would configure the bridge behind the settings' back."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PROGRESS_BRIDGE_")}
        return {**kept, "DJANGO_SETTINGS_MODULE": "tests.demo.settings", "PYTHONPATH": str(ROOT)}

    def ready(self) -> bool:
        """Return whether the first page answers."""
        try:
            return requests.get(self.url, timeout=10).ok
        except (requests.ConnectionError, requests.Timeout):  # it may be slow to start
            return False

    def start(self) -> Self:
        """Make the workbench's tables, when they are not there, and start it."""
        if not self.running:
            self.run(self._django("migrate", "--run-syncdb", "--verbosity", "0"))
        return super().start()

    def _django(self, *words: str) -> list[str | Path]:
        return [sys.executable, "-m", "django", *words]
