"""Why a file cannot be used: who owns it or its folder, who asks, and what to do about it.

"Permission denied" is true and helps nobody who does not know which of the path's folders, of the
file and of the two that SQLite makes beside it is meant. Mostly it is one that root has made.
"""

from __future__ import annotations

import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

SQLITE_SUFFIXES: Final = ("-wal", "-shm", "-journal")
"""What stands behind the name of an SQLite file in those that SQLite makes beside it."""

_NEEDS: Final = {os.R_OK: "read", os.W_OK: "write", os.X_OK: "enter"}
_LETTERS: Final = {os.R_OK: "r", os.W_OK: "w", os.X_OK: "x"}


class Obstacle(NamedTuple):
    """What keeps a file from being used. As text it is one line, the remedy behind a semicolon.

    Attributes:
        reason: in words that name the path.
        remedy: what to do about it.
        lasting: whether it stays until somebody mends a right or a mount.
    """

    reason: str
    remedy: str
    lasting: bool = False

    def __str__(self) -> str:
        return f"{self.reason}; {self.remedy}"


def why_unreadable(path: Path | str) -> Obstacle | None:
    """Return why this process may not read a file.

    Returns:
        The obstacle, or None where nothing is seen that forbids it.
    """
    path = _absolute(path)
    with suppress(OSError):  # what is looked at may vanish
        return _about_folders(path) or _about_file(path, os.R_OK)
    return None


def why_unwritable(path: Path | str) -> Obstacle | None:
    """Return why this process may not make or replace a file, or use a folder.

    Returns:
        The obstacle, or None where nothing is seen that forbids it.
    """
    path = _absolute(path)
    folder = path if path.is_dir() else path.parent
    with suppress(OSError):
        return _about_folders(path) or _denied(folder, os.R_OK, os.W_OK, os.X_OK)
    return None


def why_not_sqlite(path: Path | str) -> Obstacle | None:
    """Return why this process may not use an SQLite file.

    SQLite reads and writes the file and those beside it, and makes these in its folder.

    Returns:
        The obstacle, or None where nothing is seen that forbids it.
    """
    path = _absolute(path)
    beside = [path.with_name(path.name + suffix) for suffix in SQLITE_SUFFIXES]
    with suppress(OSError):
        if why := _about_folders(path):
            return why
        there = [file for file in (path, *beside) if os.path.lexists(file)]
        found = (_about_file(file, os.R_OK, os.W_OK) for file in there)
        return next(filter(None, found), None) or _denied(path.parent, os.W_OK, os.X_OK)
    return None


def _absolute(path: Path | str) -> Path:
    return Path(os.path.realpath(path))


def _about_folders(path: Path) -> Obstacle | None:
    for folder in reversed(path.parents):
        if not os.path.lexists(folder):
            # A disk that is mounted later may bring it.
            return Obstacle(f"there is no folder {folder}", f"mount its disk, or mkdir {folder}")
        if not folder.is_dir():
            return Obstacle(f"{folder} is no folder", "name another path")
        if why := _denied(folder, os.X_OK):
            return why
    return None


def _about_file(path: Path, *needs: int) -> Obstacle | None:
    if not os.path.lexists(path):
        return Obstacle(f"there is no file {path}", "make it, or name another")
    if path.is_dir():
        return Obstacle(f"{path} is a folder, no file", "name a file in it")
    return _denied(path, *needs)


def _denied(path: Path, *needs: int) -> Obstacle | None:
    """Return what forbids this process to do one of these things with what is there, if any."""
    missing = [need for need in needs if not os.access(path, need, effective_ids=True)]
    if not missing:
        return None
    if os.W_OK in missing and os.statvfs(path).f_flag & os.ST_RDONLY:
        remedy = "see why (the kernel's log tells of a disk that fails) and remount it rw"
        return Obstacle(f"the file system of {path} is read-only", remedy, lasting=True)
    verbs = " and ".join(_NEEDS[need] for need in missing)
    letters = "".join(_LETTERS[need] for need in needs)
    whose, remedy = _ownership(path, letters)
    return Obstacle(f"we may not {verbs} {path}: {whose}", remedy, lasting=True)


def _ownership(path: Path, letters: str) -> tuple[str, str]:
    """Return whose it is and who asks, and which command ends the trouble."""
    status, user = path.stat(), os.geteuid()
    owner, asks = _name(status.st_uid), _name(user)
    mode = f"mode {stat.S_IMODE(status.st_mode):04o}"
    if status.st_uid == user:
        remedy = f"`chmod u+{letters} {path}`, or is it immutable?"
        return f"it is {owner}'s, as this process is ({mode})", remedy
    or_else = "" if status.st_uid == 0 else f", or run this as {owner}"
    return f"it belongs to {owner} ({mode}), and {asks} asks", f"`chown {asks} {path}`{or_else}"


def _name(user: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(user).pw_name
    return str(user)
