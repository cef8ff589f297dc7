"""An edx-platform with the project in it, laid once for each commit and kept in ``.cache``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.servers import CACHE, ROOT

HERE: Final = Path(__file__).parent
VARIABLE: Final = "PROGRESS_BRIDGE_TEST_EDX"
COMMIT: Final = "PROGRESS_BRIDGE_TEST_EDX_COMMIT"


class Edx:
    """The platform's own test harness.

    Args:
        gitdir: a git directory of edx-platform.
        commit: which of its commits.
    """

    def __init__(self, gitdir: str, commit: str) -> None:
        self.gitdir = gitdir
        found = subprocess.run(
            ["git", "-C", gitdir, "rev-parse", "--short=12", f"{commit}^{{commit}}"],
            capture_output=True,
            text=True,
            check=True,
        )
        self.commit = found.stdout.strip()
        self.root = CACHE / "real" / f"edx-{self.commit}"

    def lay(self) -> Edx:
        """Lay it unless it is laid, in 5 minutes."""
        if not (self.root / "ready").exists():
            self.root.mkdir(parents=True, exist_ok=True)
            command = [HERE / "setup.sh", self.gitdir, ROOT, self.root, self.commit]
            subprocess.run(command, check=True, timeout=3600)
        return self

    def run(self, system: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run tests of ``platform/``, all unless some are named, as ``lms`` or ``cms`` (Studio)."""
        return subprocess.run(
            [HERE / "run.sh", self.root, system, *arguments],
            env={**os.environ, "PROGRESS_BRIDGE_PYTHON": sys.executable},
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )


def named() -> Edx | None:
    """Return the platform that the environment names, or None when it names none."""
    gitdir = os.environ.get(VARIABLE)
    return Edx(gitdir, os.environ.get(COMMIT) or "HEAD") if gitdir else None
