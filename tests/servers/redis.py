"""Redis in a temporary folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.servers.process import HOST, Server, ServerError


class Redis(Server):
    """A redis-server of its own, reachable from 127.0.0.1 alone.

    Args:
        folder: where it keeps its data and its log.
        appendonly: write every command to disk before it is answered (``appendfsync always``), so
            that a crash loses nothing. Else it keeps nothing over a restart.
    """

    def __init__(self, folder: Path, *, appendonly: bool = False) -> None:
        super().__init__("redis", folder)
        self._appendonly = appendonly

    @property
    def url(self) -> str:
        """Return the URL of its first database, ``redis://…``."""
        return f"redis://{HOST}:{self.port}/0"

    def command(self) -> Sequence[str | Path]:
        """Return the command ``redis-server``, with all settings on its command line."""
        found = shutil.which("redis-server")
        if found is None:
            raise ServerError("redis-server is not installed")
        kept = "yes" if self._appendonly else "no"
        settings = ["--appendonly", kept, "--appendfsync", "always", "--save", ""]
        where = ["--bind", HOST, "--port", str(self.port), "--dir", str(self.folder)]
        return [found, *where, *settings]
