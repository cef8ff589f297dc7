"""A plain Moodle with the plugin in it, laid out of a git directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import zipfile
from pathlib import Path
from typing import IO, Final

from tests.servers import CACHE, ROOT

PLUGIN: Final = ROOT / "moodle_plugin_notes/local_progressbridge"
_PLAIN: Final = Path(__file__).with_name("plain.php")


class Code:
    """Moodle's code in a folder of its own.

    Args:
        git: a git directory whose HEAD is a Moodle; with a work tree or without one.
    """

    def __init__(self, git: Path) -> None:
        self._git = git / ".git" if (git / ".git").exists() else git
        self.root = (
            CACHE / "real" / f"moodle-{self._ask('rev-parse', 'HEAD').decode().strip()[:12]}"
        )

    @property
    def web(self) -> Path:
        """Return what the web server serves: from Moodle 5.1 on, a folder of its own."""
        public = self.root / "public"
        return public if (public / "local").exists() else self.root

    @property
    def plugin(self) -> Path:
        """Return where the plugin is installed."""
        return self.web / "local/progressbridge"

    def lay(self) -> None:
        """Write the code, unless it is there, without anybody's plugins and settings."""
        if not self.root.exists():
            unfinished = self.root.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            self._extract(unfinished)
            subprocess.run(["php", _PLAIN, unfinished], check=True, stdout=subprocess.DEVNULL)
            unfinished.rename(self.root)
        (self.root / "config.php").unlink(missing_ok=True)
        shutil.rmtree(self.plugin, ignore_errors=True)

    def install_plugin(self, archive: Path) -> None:
        """Unpack the plugin as an administrator does, from a zip made of its folder."""
        with zipfile.ZipFile(archive, "w") as made:
            for path in sorted(PLUGIN.rglob("*")):
                made.write(path, Path("progressbridge") / path.relative_to(PLUGIN))
        shutil.unpack_archive(archive, self.plugin.parent)

    def _extract(self, target: Path) -> None:
        """Write every file of HEAD, where `git archive` stops at one that a partial copy lacks."""
        lines = [line for line in self._ask("ls-tree", "-r", "-z", "HEAD").split(b"\0") if line]
        entries = []
        for line in lines:
            head, path = line.split(b"\t", 1)
            mode, kind, name = head.split()
            if kind == b"blob":
                entries.append((mode, name, target / os.fsdecode(path)))
        command = ["git", "-C", str(self._git), "cat-file", "--batch"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin
            assert process.stdout
            names = b"".join(name + b"\n" for _, name, _ in entries)
            asking = threading.Thread(target=_ask_for, args=(process.stdin, names))
            asking.start()
            for mode, _, path in entries:
                _write(process.stdout, path, mode)
            asking.join()

    def _ask(self, *words: str) -> bytes:
        command = ["git", "-C", str(self._git), *words]
        return subprocess.run(command, check=True, capture_output=True, timeout=300).stdout


def _ask_for(pipe: IO[bytes], names: bytes) -> None:
    with pipe:
        pipe.write(names)


def _write(objects: IO[bytes], path: Path, mode: bytes) -> None:
    """Write the next object of `git cat-file`, or nothing when the copy lacks it."""
    answer = objects.readline().split()
    if answer[1] == b"missing":
        return
    data = objects.read(int(answer[2]))
    objects.read(1)
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == b"120000":
        path.symlink_to(os.fsdecode(data))
    else:
        path.write_bytes(data)
