"""Why a file cannot be written, in words: SQLite tells no more than that it could not.

The disk is asked, not SQLite: who owns what and who asks, how it is mounted, what is free.
"""

from __future__ import annotations

import errno
import os
import pwd
import resource
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

PROBE_BYTES: Final = 256 * 1024
"""Bytes that have to fit: more than a small commit writes."""


class Obstacle(NamedTuple):
    """What keeps a file from being written.

    Attributes:
        reason: in words that begin after the file's name.
        remedy: what to do about it.
        lasting: whether it stays until somebody mends a right or a mount. A disk may become free
            by itself.
    """

    reason: str
    remedy: str
    lasting: bool = False


def obstacle(path: Path) -> Obstacle | None:
    """Return what keeps the file (and those that SQLite keeps beside it) from being written.

    Returns:
        The obstacle, or None when the disk knows of none.
    """
    path = Path(os.path.realpath(path))
    try:
        return _read_only(path) or _forbidden(path) or _missing(path) or _full(path)
    except OSError:  # the disk itself cannot be asked
        return None


def _missing(path: Path) -> Obstacle | None:
    if path.is_dir():
        return Obstacle("it is a folder", "let outbox.url name a file in it")
    if not path.parent.exists():  # a disk that is mounted later may bring it
        remedy = f"mount its disk, or make it for whoever runs the bridge: mkdir {path.parent}"
        return Obstacle(f"there is no folder {path.parent}", remedy)
    return None


def _read_only(path: Path) -> Obstacle | None:
    with suppress(OSError):  # told by those who look next
        if os.statvfs(path.parent).f_flag & os.ST_RDONLY:
            remedy = "see why (the kernel's log tells of a disk that fails) and remount it rw"
            return Obstacle("its disk is mounted read-only", remedy, lasting=True)
    return None


def _forbidden(path: Path) -> Obstacle | None:
    """Return whose the file or folder is that we may not use, and who we are."""
    for place, mode in _needed(path):
        if not os.access(place, mode, effective_ids=True):
            return _of_another(place)
    return None


def _needed(path: Path) -> Iterator[tuple[Path, int]]:
    """Yield what has to be used, from the root down, and how. What is not there needs no right."""
    for folder in reversed(path.parents):
        if folder.exists():
            yield folder, os.X_OK | (os.W_OK if folder == path.parent else 0)
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        if name.exists():
            yield name, os.R_OK | os.W_OK


def _of_another(place: Path) -> Obstacle:
    status, us = os.stat(place), _user(os.geteuid())
    what = "folder" if stat.S_ISDIR(status.st_mode) else "file"
    mode = f"{stat.S_IMODE(status.st_mode):04o}"
    owner = _user(status.st_uid)
    reason = (
        f"we may not write to it: the {what} {place} belongs to {owner} (mode {mode}), "
        f"and we are {us}"
    )
    remedy = (
        f"chmod u+rw{'x' if what == 'folder' else ''} {place}"
        if status.st_uid == os.geteuid()
        else f"chown {us} {place}, or run the bridge as {owner}"
    )
    return Obstacle(reason, remedy, lasting=True)


def _user(uid: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)


def _full(path: Path) -> Obstacle | None:
    """Try to write beside the file, into a file without a name, which leaves nothing behind."""
    if (over := _over_limit(path)) is not None:
        return over
    try:
        probe = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except OSError as error:
        return _no_space(error)
    try:
        os.posix_fallocate(probe, 0, PROBE_BYTES)
    except OSError as error:
        return _no_space(error)
    finally:
        os.close(probe)
    return None


def _over_limit(path: Path) -> Obstacle | None:
    """Return the limit of this process that a file of ours has reached, if any."""
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit == resource.RLIM_INFINITY:
        return None
    sizes = [name.stat().st_size for name in (path, Path(f"{path}-wal")) if name.exists()]
    if max(sizes, default=0) + PROBE_BYTES <= limit:
        return None
    reason = f"this process may make no file over {limit} bytes (ulimit -f)"
    return Obstacle(reason, "raise the limit (LimitFSIZE= of systemd, ulimit -f)", lasting=True)


def _no_space(error: OSError) -> Obstacle | None:
    if error.errno == errno.ENOSPC:
        return Obstacle("no space left on its disk", "free space on it, or enlarge it")
    if error.errno == errno.EDQUOT:
        return Obstacle("the disk quota is used up", "free space, or raise the quota")
    return None
