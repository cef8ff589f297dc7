"""Tests are run by several processes at once, which have to find the same ones."""

import os
import subprocess
import sys

from tests.servers import ROOT


def collected(seed: str) -> list[str]:
    """The names of all tests, as a process with this seed for its hashes collects them."""
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return [line for line in found.stdout.splitlines() if "::" in line]


def test_every_process_finds_the_same_tests() -> None:
    first, later = collected("1"), collected("2")  # one after the other: no clock in a name
    assert len(first) > 1000
    assert first == later
