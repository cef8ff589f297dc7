"""The wheel that pip makes of a checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.servers import ROOT

PACKAGES = ("bridge", "progress_xblock")
NEEDED = ("setup.py", "pyproject.toml", "README.md")
IGNORED = shutil.ignore_patterns("__pycache__")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a checkout of its own: building leaves files behind."""
    folder = tmp_path_factory.mktemp("source")
    for name in NEEDED:
        shutil.copy(ROOT / name, folder)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=IGNORED)
    return folder


@pytest.fixture(scope="module")
def build(source: Path) -> subprocess.CompletedProcess[str]:
    options = ["--no-deps", "--no-build-isolation", "--no-cache-dir", "--verbose"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", "wheels", "."]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_wheel_builds_without_a_warning(build: subprocess.CompletedProcess[str]) -> None:
    said = (build.stdout + build.stderr).splitlines()
    assert [line for line in said if "Warning: " in line] == []


def test_the_wheel_holds_every_file_but_the_guides(
    source: Path, build: subprocess.CompletedProcess[str]
) -> None:
    (wheel,) = source.glob("wheels/*.whl")
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith(PACKAGES)}
    files = (file for name in PACKAGES for file in (ROOT / name).rglob("*") if file.is_file())
    ours = {file.relative_to(ROOT).as_posix() for file in files if "__pycache__" not in file.parts}
    guides = {name for name in ours if "/docs/" in name or "/README" in name}
    assert packed == ours - guides
