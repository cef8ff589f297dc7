"""Why a file cannot be written, in words: SQLite tells no more than that it could not.

The disk is asked, not SQLite: who owns what and who asks, how it is mounted, what is free.
"""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path
from typing import Final

from bridge.support.file_access import Obstacle, why_not_sqlite

PROBE_BYTES: Final = 256 * 1024
"""Bytes that have to fit: more than a small commit writes."""


def obstacle(path: Path) -> Obstacle | None:
    """Return what keeps the file (and those that SQLite keeps beside it) from being written.

    Returns:
        The obstacle, or None when the disk knows of none.
    """
    path = Path(os.path.realpath(path))
    try:
        return why_not_sqlite(path) or _full(path)
    except OSError:  # the disk itself cannot be asked
        return None


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
