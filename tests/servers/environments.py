"""Virtual environments with another Python, for tests of what runs inside other people's."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import requires
from pathlib import Path

from tests.servers import CACHE

_PATIENCE = 300


def find_python(version: str) -> str | None:
    """Find an interpreter of this version (such as ``3.12``) that can make environments."""
    for name in _candidates(version):
        code = f"import ensurepip, sys; sys.exit('%d.%d' % sys.version_info[:2] != {version!r})"
        if subprocess.run([name, "-c", code], capture_output=True, check=False).returncode == 0:
            return name
    return None


def _candidates(version: str) -> Iterator[str]:
    if found := shutil.which(f"python{version}"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True))


def project_needs(*extras: str) -> list[str]:
    """Return what the package needs at least, and with these extras."""
    found = []
    for requirement in requires("progress-bridge") or ():
        what, _, marker = requirement.partition(";")
        if not marker or any(f'extra == "{extra}"' in marker for extra in extras):
            found.append(what.strip())
    return found


def environment(python: str, name: str, packages: Iterable[str]) -> Path:
    """Return the interpreter of an environment that holds these packages, made where it is missing.

    Raises:
        subprocess.CalledProcessError: it could not be made.
    """
    wanted = sorted(packages)
    folder = CACHE / name
    inside, made = folder / "bin/python", folder / ".installed"
    fingerprint = hashlib.sha256("\n".join(wanted).encode()).hexdigest()
    if not made.exists() or made.read_text() != fingerprint:
        shutil.rmtree(folder, ignore_errors=True)
        _run([python, "-m", "venv", str(folder)])
        _run([str(inside), "-m", "pip", "install", "--quiet", *wanted])
        made.write_text(fingerprint)
    return inside


def _run(words: Sequence[str]) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=_PATIENCE)
