"""Who may use an SQLite file: its owner, and whoever asks.

SQLite needs the folder too: beside the file it makes ``-wal`` and ``-shm``
(https://www.sqlite.org/wal.html, "Read-Only Databases").
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path

_BESIDE = ("", "-wal", "-shm", "-journal")


def who_may_not(path: str | os.PathLike[str]) -> str:
    """Return in words which of the files or folders this user may not use, and whose they are."""
    file = Path(path)
    me = _name(os.geteuid())
    folder = file.absolute().parent
    if not _is_there(folder):
        return f"there is no folder {folder}, or {me} may not look into it"
    if file.is_dir():
        return f"{file} is a folder"
    for each in [Path(f"{file}{end}") for end in _BESIDE] + [folder]:
        right = os.W_OK | (os.X_OK if each == folder else os.R_OK)
        if _is_there(each) and not os.access(each, right, effective_ids=True):
            return f"{each} belongs to {_name(each.stat().st_uid)}, and {me} may not write it"
    return f"{me} may write it, but the file system does not let SQLite (read-only, or full?)"


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
