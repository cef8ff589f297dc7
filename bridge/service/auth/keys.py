"""Server keys: who may speak for which platform, and do what.

A key looks like ``pb_<id>_<43 characters>``. The file holds its SHA-256 alone: a key is 256 random
bits, which no one guesses, so a slow hash would protect nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import logging
import os
import re
import secrets
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml

from bridge.config.fields import Secret, as_mapping, refuse_unknown, some_of
from bridge.errors import ConfigurationError
from bridge.model import Origin
from bridge.support.file_access import why_unreadable
from bridge.support.logs import event
from bridge.support.nesting import TooDeep, load_yaml

FILE_CHECK_SECONDS: Final = 1.0
"""Seconds between two checks whether the file has changed: a revoked key ends within them."""

_log: Final = logging.getLogger(__name__)
_KEY_PATTERN: Final = re.compile(r"pb_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_DIGEST_PATTERN: Final = re.compile(r"[0-9a-f]{64}")
_NAME_PATTERN: Final = re.compile(r"[^\s][^\x00-\x1f\x7f]{0,79}")
_DIGEST_OF_NO_KEY: Final = "0" * 64


class KeyRight(StrEnum):
    """What a key may do with the learners of its origins."""

    WRITE = "write"
    READ = "read"
    ERASE = "erase"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerKey:
    """A server key as the file holds it.

    Attributes:
        id: the part of the key that names it, 8 hexadecimal digits.
        name: whose it is, for people. Several keys may share it while they are rotated.
        sha256: of the key, hexadecimal.
        origins: the origins whose learners it is for.
        rights: what it may do with them.
        created: the day, as ``2026-11-22``, or empty when it is not known.
    """

    id: str
    name: str
    sha256: str = field(repr=False)
    origins: frozenset[Origin]
    rights: frozenset[KeyRight]
    created: str = ""


def new_key(
    name: str, origins: Collection[Origin], rights: Collection[KeyRight]
) -> tuple[ServerKey, Secret]:
    """Make a key.

    Returns:
        What the file keeps, and the key itself, which nobody can tell later.

    Raises:
        ConfigurationError: the name is not 1 to 80 printable characters.
    """
    if not _NAME_PATTERN.fullmatch(name):
        raise ConfigurationError("name: not 1 to 80 printable characters")
    key_id = secrets.token_hex(4)
    text = f"pb_{key_id}_{secrets.token_urlsafe(32)}"
    key = ServerKey(
        id=key_id,
        name=name,
        sha256=_digest(text),
        origins=frozenset(origins),
        rights=frozenset(rights),
        created=datetime.now(UTC).date().isoformat(),
    )
    return key, Secret(text)


def read_keys(path: Path) -> list[ServerKey]:
    """Read the keys in the file.

    Raises:
        ConfigurationError: it cannot be read, or what is in it makes no sense.
    """
    try:
        document = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = why_unreadable(path) or getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigurationError(f"service.keys_file: {path}: {reason}") from None
    except TooDeep as error:
        raise ConfigurationError(f"service.keys_file: {path}: {error}") from None
    except yaml.YAMLError:
        raise ConfigurationError(f"service.keys_file: {path}: not YAML") from None
    given = as_mapping(str(path), {} if document is None else document).get("keys") or []
    if not isinstance(given, list):
        raise ConfigurationError(f"{path}: keys: not a list")
    keys = [_parse_key(f"{path}: keys[{n}]", item) for n, item in enumerate(given)]
    if len({key.id for key in keys}) < len(keys):
        raise ConfigurationError(f"{path}: two keys have the same id")
    return keys


@contextmanager
def edit_keys(path: Path) -> Iterator[list[ServerKey]]:
    """Yield the keys in the file to be changed, and write them afterwards.

    Where there is no file yet there are no keys. Two commands at once take turns: else the one
    would bring back the key that the other revokes.

    Raises:
        ConfigurationError: as `read_keys`. Nothing is changed.
        OSError: the file cannot be written. The old one stays.
    """
    path = path.resolve()  # a link stays one
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        keys = read_keys(path) if path.exists() else []
        yield keys
        write_keys(path, keys)
    finally:
        os.close(folder)


def write_keys(path: Path, keys: Sequence[ServerKey]) -> None:
    """Replace the file by one with these keys.

    It is replaced at once: no reader ever sees half of it.

    Raises:
        OSError: it cannot be written. The old one stays.
    """
    document = {"keys": [_as_mapping(key) for key in keys]}
    text = "# Server keys of progress-bridge: hashes only. `progress-bridge keys` changes it.\n"
    text += yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        beside.write_text(text, encoding="utf-8")
        if path.exists():
            _copy_owner_and_mode(path, beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _copy_owner_and_mode(old: Path, new: Path) -> None:
    """Give the new file the owner and mode of the old one: who could read it still can."""
    status = old.stat()
    with suppress(PermissionError):
        os.chown(new, status.st_uid, status.st_gid)
    os.chmod(new, status.st_mode & 0o777)


class KeyRing:
    """The keys in a file, read again when it has changed.

    A file that is gone holds no key. One that cannot be understood, half copied for instance,
    leaves the keys as they were, and the log says so.

    Args:
        path: the file.

    Raises:
        ConfigurationError: it cannot be read at first.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loaded_stamp = _file_stamp(path)
        self._keys = {key.id: key for key in read_keys(path)}
        self._next_check = time.monotonic() + FILE_CHECK_SECONDS

    def find(self, text: str) -> ServerKey | None:
        """Return the server key whose text this is, or None when it is none or was revoked."""
        self._reload_if_changed()
        match = _KEY_PATTERN.fullmatch(text)
        key = self._keys.get(match[1]) if match else None
        proved = hmac.compare_digest(_digest(text), key.sha256 if key else _DIGEST_OF_NO_KEY)
        return key if proved else None

    def _reload_if_changed(self) -> None:
        now = time.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + FILE_CHECK_SECONDS
        stamp = _file_stamp(self._path)
        if stamp != self._loaded_stamp:
            self._loaded_stamp = stamp
            self._reload(there=stamp is not None)

    def _reload(self, *, there: bool) -> None:
        try:
            keys = read_keys(self._path) if there else []
        except ConfigurationError as error:
            event(_log, logging.ERROR, "keys_unreadable", reason=str(error), kept=len(self._keys))
            return
        self._keys = {key.id: key for key in keys}
        level = logging.INFO if there else logging.ERROR
        event(_log, level, "keys_read", file=self._path, keys=len(keys))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _file_stamp(path: Path) -> tuple[int, ...] | None:
    """Return numbers that change when the file does, or who may read it.

    Returns:
        Inode, size, and times of change, or None where there is no file that can be seen.
    """
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _as_mapping(key: ServerKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "sha256": key.sha256,
        "origins": [str(origin) for origin in Origin if origin in key.origins],
        "rights": [str(right) for right in KeyRight if right in key.rights],
        "created": key.created,
    }


def _parse_key(name: str, value: object) -> ServerKey:
    mapping = as_mapping(name, value)
    refuse_unknown(f"{name}.", mapping, *(setting.name for setting in fields(ServerKey)))
    return ServerKey(
        id=_checked_text(name, mapping, "id", re.compile(r"[0-9a-f]{8}")),
        name=_checked_text(name, mapping, "name", _NAME_PATTERN),
        sha256=_checked_text(name, mapping, "sha256", _DIGEST_PATTERN),
        origins=some_of(Origin)(f"{name}.origins", mapping.get("origins")),
        rights=some_of(KeyRight)(f"{name}.rights", mapping.get("rights")),
        created=str(mapping.get("created") or ""),
    )


def _checked_text(name: str, mapping: Mapping[str, Any], field: str, rule: re.Pattern[str]) -> str:
    value = mapping.get(field)
    if not isinstance(value, str) or not rule.fullmatch(value):
        raise ConfigurationError(f"{name}.{field}: missing, or not as `keys new` writes it")
    return value
