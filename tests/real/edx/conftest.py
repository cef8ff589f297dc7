"""An edx-platform, laid once: the folder is kept, and laid anew when the platform is another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import CACHE, ROOT

HERE = Path(__file__).parent
GITDIR = os.environ.get("PROGRESS_BRIDGE_REAL_EDX", "")
COMMIT = os.environ.get("PROGRESS_BRIDGE_REAL_EDX_COMMIT", "HEAD")

collect_ignore = ["platform", "deliver.py"]  # run in the platform's own process


class Edx:
    """The platform's own test harness, with the project in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, system: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the tests of ``platform/`` as the LMS (``lms``) or as Studio (``cms``)."""
        return subprocess.run(
            [HERE / "run.sh", self.root, system, *arguments],
            env={**os.environ, "PROGRESS_BRIDGE_PYTHON": sys.executable},
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )


@pytest.fixture(scope="session")
def edx() -> Edx:
    if not GITDIR:
        pytest.skip("no edx-platform is given: make test-real EDX=GITDIR")
    root = CACHE / "real/edx"
    if not (root / "ready").exists():
        root.mkdir(parents=True, exist_ok=True)
        subprocess.run([HERE / "setup.sh", GITDIR, ROOT, root, COMMIT], check=True, timeout=3600)
    return Edx(root)
