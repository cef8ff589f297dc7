"""Values of a configuration, checked one by one; what is wrong is said with the setting's name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from bridge.errors import ConfigurationError

E = TypeVar("E", bound=StrEnum)

_USER_AND_PASSWORD: Final = re.compile(r"^([^:/]+://).*@")


class Secret:
    """A string that shows itself nowhere: ``reveal()`` is the only way to its value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself; for the one line that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


def as_mapping(name: str, value: object) -> dict[str, Any]:
    """A section of the configuration."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{name}: not a mapping of settings")
    return dict(value)


def refuse_unknown(section: str, mapping: Mapping[str, Any], cls: type, *also: str) -> None:
    """Refuse a setting that does not exist: a typing error must not go unnoticed."""
    names = {f.name for f in fields(cls)} | set(also)
    for key in mapping:
        if key not in names:
            near = get_close_matches(str(key), names, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ConfigurationError(f"{section}{key}: no such setting{hint}")


def seconds(name: str, mapping: Mapping[str, Any], default: float) -> float:
    """A number of seconds, over 0 and up to 600."""
    value = mapping.get(name.rpartition(".")[2], default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 600:
        raise ConfigurationError(f"{name}: not a number of seconds (over 0, up to 600): {value}")
    return float(value)


def count(name: str, mapping: Mapping[str, Any], default: int, least: int, most: int) -> int:
    """A whole number from ``least`` to ``most``."""
    value = mapping.get(name.rpartition(".")[2], default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigurationError(f"{name}: not a whole number from {least} to {most}: {value}")
    return value


def boolean(name: str, mapping: Mapping[str, Any]) -> bool:
    """True or false; false by default."""
    value = mapping.get(name.rpartition(".")[2], False)
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name}: neither true nor false: {value}")
    return value


def some_of(name: str, mapping: Mapping[str, Any], choices: type[E]) -> frozenset[E]:
    """A list of one or more of these."""
    values = mapping.get(name.rpartition(".")[2])
    known = [str(choice) for choice in choices]
    if not isinstance(values, list) or not values or any(item not in known for item in values):
        raise ConfigurationError(f"{name}: not some of {', '.join(known)}")
    return frozenset(choices(item) for item in values)


def url_of(section: str, mapping: Mapping[str, Any]) -> str:
    """The section's URL, which has to be there."""
    url = mapping.get("url")
    if not isinstance(url, str) or not url.strip():
        raise ConfigurationError(f"{section}.url: missing")
    try:
        urlsplit(url)
    except ValueError:
        raise ConfigurationError(
            f"{section}.url: cannot be read; in a password, [ and ] are written %5B and %5D"
        ) from None
    return url.strip()


def without_secrets(url: str) -> str:
    """The URL as a message may show it: without user, password and query."""
    if url.startswith("sqlite"):
        return url.partition("?")[0]
    return _USER_AND_PASSWORD.sub(r"\1", url).partition("?")[0]


def check_scheme(section: str, scheme: str, schemes: Sequence[str]) -> None:
    """Refuse a URL of another scheme than these."""
    if scheme not in schemes:
        names = ", ".join(schemes)
        raise ConfigurationError(f"{section}.url: {scheme or 'no'} scheme (one of {names})")


def secret(name: str, mapping: Mapping[str, Any]) -> Secret | None:
    """The secret, given itself or in the file that ``…_file`` names; None when neither is."""
    key = name.rpartition(".")[2]
    value, path = mapping.get(key), mapping.get(f"{key}_file")
    if value and path:
        raise ConfigurationError(f"{name} and {name}_file: give one of them")
    if path:
        try:
            value = Path(path).read_text(encoding="utf-8")
        except (OSError, TypeError, ValueError):
            shown = path if "/" in str(path) else "it"  # it may be the secret itself
            raise ConfigurationError(f"{name}_file: cannot read {shown}") from None
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip().isascii() or not value.strip().isprintable():
        raise ConfigurationError(f"{name}: not a {key} (printable ASCII characters)")
    if not value.strip():
        raise ConfigurationError(f"{name}: empty")
    return Secret(value.strip())
