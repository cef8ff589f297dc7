"""How a section of the configuration is read: each setting of its dataclass carries its check.

A check takes the setting's full name and the value that the configuration gives. It returns what
the setting holds, or raises a `ConfigurationError` that names the setting and what is wrong::

    @dataclass(frozen=True, slots=True, kw_only=True)
    class OutboxSettings:
        timeout: float = field(default=5.0, metadata=checked(as_seconds))

`read_section` does the rest: a setting that is left out has its default, and one that has none is
asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from bridge.errors import ConfigurationError
from bridge.support.file_access import why_unreadable

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

E = TypeVar("E", bound=StrEnum)
S = TypeVar("S", bound="DataclassInstance")

Check = Callable[[str, Any], Any]
"""Takes a setting's full name (``store.url``) and the value given, returns what it stands for."""

_USER_AND_PASSWORD: Final = re.compile(r"^([^:/]+://).*@")


class Secret:
    """A string that shows itself nowhere: ``reveal()`` is the only way to its value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself, for the one line that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


# --- sections --------------------------------------------------------------------------------


def checked(check: Check, *, or_file: bool = False) -> dict[str, Any]:
    """Return the metadata of a dataclass's field that is a setting.

    Args:
        check: what its value has to pass.
        or_file: whether another setting, ``…_file``, may name a file that holds the value.
    """
    return {"check": check, "or_file": or_file}


def read_section(cls: type[S], name: str, value: object) -> S:
    """Read a section of the configuration into its dataclass.

    Args:
        cls: a dataclass whose fields are all `checked`.
        name: the section's full name, empty for the whole configuration.
        value: what the configuration gives.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    prefix = f"{name}." if name else ""
    mapping = as_mapping(name, value)
    refuse_unknown(prefix, mapping, *_names(cls))
    values = {}
    for setting in fields(cls):
        full_name = prefix + setting.name
        if setting.metadata["or_file"]:
            _read_file_of(setting.name, full_name, mapping)
        if setting.name in mapping or _is_required(setting):
            values[setting.name] = setting.metadata["check"](full_name, mapping.get(setting.name))
    return cls(**values)


def section(cls: type[S]) -> Check:
    """Return the check of a section that may be left out or empty, and then has its defaults."""
    return lambda name, value: read_section(cls, name, value or {})


def optional_section(cls: type[S]) -> Check:
    """Return the check of a section that is None when it is left out."""
    return lambda name, value: None if value is None else read_section(cls, name, value)


def as_mapping(name: str, value: object) -> dict[str, Any]:
    """Return a section of the configuration as a new dict.

    Raises:
        ConfigurationError: it is not a mapping.
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{name}: not a mapping of settings")
    return dict(value)


def refuse_unknown(prefix: str, mapping: Mapping[str, Any], *names: str) -> None:
    """Refuse a setting that does not exist, since a typing error must not go unnoticed.

    Args:
        prefix: what stands before the setting in its full name (``store.``).
        mapping: the section.
        names: the settings that exist.

    Raises:
        ConfigurationError: naming the setting, and one that is spelt much like it.
    """
    for key in mapping:
        if key not in names:
            near = get_close_matches(str(key), names, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ConfigurationError(f"{prefix}{key}: no such setting{hint}")


def _names(cls: type[S]) -> list[str]:
    files = [f"{setting.name}_file" for setting in fields(cls) if setting.metadata["or_file"]]
    return [*(setting.name for setting in fields(cls)), *files]


def _is_required(setting: Field[Any]) -> bool:
    return setting.default is MISSING and setting.default_factory is MISSING


def _read_file_of(key: str, name: str, mapping: dict[str, Any]) -> None:
    """Put what the file of ``…_file`` holds into the mapping, as the setting itself."""
    path = mapping.get(f"{key}_file")
    if not path:
        return
    if mapping.get(key):
        raise ConfigurationError(f"{name} and {name}_file: give one of them")
    try:
        mapping[key] = Path(path).read_text(encoding="utf-8")
    except (OSError, TypeError, ValueError) as error:
        shown, why = "it", ""  # what stands there may be the secret itself
        if "/" in str(path):
            shown = path
            why = f": {why_unreadable(path) or error}" if isinstance(error, OSError) else ""
        raise ConfigurationError(f"{name}_file: cannot read {shown}{why}") from None


# --- checks that several settings share ------------------------------------------------------


def as_seconds(name: str, value: object) -> float:
    """Check a number of seconds, over 0 and up to 600."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 600:
        raise ConfigurationError(f"{name}: not a number of seconds (over 0, up to 600): {value}")
    return float(value)


def as_boolean(name: str, value: object) -> bool:
    """Check that a value is true or false."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name}: neither true nor false: {value}")
    return value


def as_url(name: str, value: object) -> str:
    """Check a URL, which has to be there and to be readable as one."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{name}: missing")
    try:
        urlsplit(value)
    except ValueError:
        raise ConfigurationError(
            f"{name}: cannot be read; in a password, [ and ] are written %5B and %5D"
        ) from None
    return value.strip()


def as_secret(name: str, value: object) -> Secret | None:
    """Check a secret: printable ASCII characters, or None when there is none."""
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip().isascii() or not value.strip().isprintable():
        key = name.rpartition(".")[2]
        raise ConfigurationError(f"{name}: not a {key} (printable ASCII characters)")
    if not value.strip():
        raise ConfigurationError(f"{name}: empty")
    return Secret(value.strip())


def whole_number(least: int, most: int) -> Check:
    """Return the check of a whole number from ``least`` to ``most``."""

    def check(name: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ConfigurationError(f"{name}: not a whole number from {least} to {most}: {value}")
        return value

    return check


def some_of(choices: type[E]) -> Callable[[str, object], frozenset[E]]:
    """Return the check of a list of one or more of these."""
    known = [str(choice) for choice in choices]

    def check(name: str, value: object) -> frozenset[E]:
        if not isinstance(value, list) or not value or any(item not in known for item in value):
            raise ConfigurationError(f"{name}: not some of {', '.join(known)}")
        return frozenset(choices(item) for item in value)

    return check


def check_scheme(name: str, scheme: str, schemes: Sequence[str]) -> None:
    """Refuse a URL of another scheme than these."""
    if scheme not in schemes:
        names = ", ".join(schemes)
        raise ConfigurationError(f"{name}: {scheme or 'no'} scheme (one of {names})")


def without_secrets(url: str) -> str:
    """Return the URL as a message may show it: without user, password and query."""
    if url.startswith("sqlite"):
        return url.partition("?")[0]
    return _USER_AND_PASSWORD.sub(r"\1", url).partition("?")[0]
