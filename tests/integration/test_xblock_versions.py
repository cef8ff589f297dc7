"""The block's unit tests on the Pythons and XBlocks of the Open edX releases it is for."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version

import pytest

from tests.servers import ROOT
from tests.servers.environments import environment, find_python, project_needs

TOOLS = ("pytest", "Babel", "time-machine", "xblock-sdk")


@pytest.mark.parametrize(
    ("python", "series"),
    [("3.11", "5.2."), ("3.12", "")],
    ids=["3.11-5.2", "3.12-newest"],
)
def test_the_blocks_tests_pass_with(python: str, series: str) -> None:
    if platform.python_version().startswith(python) and version("XBlock").startswith(series):
        pytest.skip(f"Python {python} with XBlock {version('XBlock')} is what all tests run on")
    found = find_python(python)
    if found is None:
        pytest.skip(f"no Python {python} with venv on this machine")
    xblock = f"XBlock[django]=={series}*" if series else "XBlock[django]"
    needs = [*project_needs("sql", "redis", "delivery"), xblock, *TOOLS]
    inside = environment(found, f"xblock-{python}", needs)
    tests = subprocess.run(
        [inside, "-m", "pytest", "-q", "tests/unit/xblock", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert tests.returncode == 0, tests.stdout[-5000:]
