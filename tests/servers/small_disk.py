"""A small disk of its own, that can be filled, freed and remounted: ext4 on a loop, or a tmpfs."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

FILLER = "filler"


class NoMount(Exception):
    """Mounting is not allowed here: we are not root, or in a container without the right."""


class SmallDisk:
    """A mounted disk.

    Args:
        folder: where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Write until no byte is left."""
        with (self.folder / FILLER).open("ab", buffering=0) as filler:
            for size in (1_048_576, 65_536, 4096, 1):
                with suppress(OSError):
                    while filler.write(b"x" * size):
                        pass

    def free(self) -> None:
        """Remove what `fill` wrote."""
        (self.folder / FILLER).unlink(missing_ok=True)

    def remount(self, how: str) -> None:
        """Mount it anew: ``ro`` or ``rw``."""
        _run("mount", "-o", f"remount,{how}", str(self.folder))


@contextmanager
def small_disk(folder: Path, size: str = "1m") -> Iterator[SmallDisk]:
    """Mount a tmpfs at the folder, which is made, and unmount it in the end.

    Raises:
        NoMount: mounting is not allowed here.
    """
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={size},mode=0755", "none") as disk:
        yield disk


@contextmanager
def loop_disk(folder: Path, image: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount ext4 in a file at the folder: what is synced to it reaches the real disk.

    Raises:
        NoMount: mounting is not allowed here.
    """
    with image.open("wb") as file:
        file.truncate(megabytes * 1_048_576)
    try:
        _run("mkfs.ext4", "-q", "-m", "0", str(image))  # none kept back for root
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoMount(f"no ext4 can be made here: {error}") from error
    with _mounted(folder, "-o", "loop", str(image)) as disk:
        yield disk


@cache
def why_no_mount() -> str:
    """Return why no disk can be mounted here, empty when it can."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        try:
            with loop_disk(folder / "disk", folder / "image", 8):
                return ""
        except NoMount as error:
            return str(error)


@contextmanager
def _mounted(folder: Path, *words: str) -> Iterator[SmallDisk]:
    folder.mkdir(exist_ok=True)
    try:
        _run("mount", *words, str(folder))
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoMount(f"mounting is not allowed here: {error}") from error
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
