"""A small disk of its own, that can be filled, freed and remounted: a tmpfs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
        with (self.folder / FILLER).open("ab", buffering=0) as filler, suppress(OSError):
            for size in (65_536, 4096, 1):
                with suppress(OSError):
                    while filler.write(b"x" * size):
                        pass

    def free(self) -> None:
        """Remove what `fill` wrote."""
        (self.folder / FILLER).unlink(missing_ok=True)

    def remount(self, how: str) -> None:
        """Mount it anew: ``ro`` or ``rw``."""
        _mount("-o", f"remount,{how}", str(self.folder))


@contextmanager
def small_disk(folder: Path, size: str = "1m") -> Iterator[SmallDisk]:
    """Mount a disk at the folder, which is made, and unmount it in the end.

    Raises:
        NoMount: mounting is not allowed here.
    """
    folder.mkdir(exist_ok=True)
    try:
        _mount("-t", "tmpfs", "-o", f"size={size},mode=0755", "none", str(folder))
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoMount(f"mounting a tmpfs is not allowed here: {error}") from error
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)
