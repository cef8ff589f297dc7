"""Values of a configuration, checked one by one; what is wrong is said with the setting's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from bridge.errors import ConfigurationError


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
    value = mapping.get(name, False)
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name}: neither true nor false: {value}")
    return value


def url_of(section: str, mapping: Mapping[str, Any]) -> str:
    """The section's URL, which has to be there."""
    url = mapping.get("url")
    if not isinstance(url, str) or not url.strip():
        raise ConfigurationError(f"{section}.url: missing")
    return url.strip()


def check_scheme(section: str, scheme: str, schemes: Sequence[str]) -> None:
    """Refuse a URL of another scheme than these."""
    if scheme not in schemes:
        names = ", ".join(schemes)
        raise ConfigurationError(f"{section}.url: {scheme or 'no'} scheme (one of {names})")
