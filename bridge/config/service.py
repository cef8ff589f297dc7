"""The section ``service``: what the HTTP API is told."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bridge.config.fields import as_boolean, checked, section
from bridge.errors import ConfigurationError

_LIMIT: Final = re.compile(r"[1-9][0-9]{0,6}/(second|minute|hour)")
_SITE: Final = re.compile(
    r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:.]+\](:[0-9]{1,5})?"
)
_STORAGES: Final = ("memory", "redis", "rediss")


def _as_rate(name: str, value: object) -> str:
    """Check a rate such as ``300/minute``, or ``off``."""
    if value is False:  # what YAML makes of `off`
        return "off"
    if not isinstance(value, str) or not (value == "off" or _LIMIT.fullmatch(value)):
        raise ConfigurationError(f"{name}: not a rate such as 300/minute, nor off: {value}")
    return value


def _as_storage(name: str, value: object) -> str:
    """Check where requests are counted. The error shows no value, which may hold a password."""
    if not isinstance(value, str) or value.partition(":")[0] not in _STORAGES:
        raise ConfigurationError(f"{name}: neither memory: nor redis://…")
    return value


def _as_path(name: str, value: object) -> Path | None:
    """Check the path of a file that need not be there yet, or None."""
    if value is not None and not isinstance(value, str | os.PathLike):
        raise ConfigurationError(f"{name}: not a path")
    return None if value is None else Path(value)


def _as_list(name: str, value: object) -> list[object]:
    if not isinstance(value, list | tuple):
        raise ConfigurationError(f"{name}: not a list")
    return list(value)


def _as_sites(name: str, value: object) -> tuple[str, ...]:
    """Check a list of origins."""
    return tuple(_as_site(f"{name}[{n}]", site) for n, site in enumerate(_as_list(name, value)))


def _as_site(name: str, value: object) -> str:
    """Check an origin, and write it as browsers do.

    That is in lower case, without path and default port (RFC 6454).
    """
    site = value.strip().rstrip("/").lower() if isinstance(value, str) else ""
    if not _SITE.fullmatch(site):
        raise ConfigurationError(
            f"{name}: not an origin such as https://cours.example.org: {value}"
        )
    default_port = {"http": ":80", "https": ":443"}[urlsplit(site).scheme]
    return site.removesuffix(default_port)


def _as_proxies(name: str, value: object) -> tuple[str, ...]:
    """Check a list of addresses or networks."""
    proxies = tuple(str(proxy) for proxy in _as_list(name, value))
    for proxy in proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            raise ConfigurationError(f"{name}: not an address or network: {proxy}") from None
    return proxies


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """How many requests are answered, as ``300/minute`` (second, minute, hour), or ``off``.

    Attributes:
        key: of one server key.
        token: of one learner, whatever tokens they hold.
        address: of one address, counting new guests and requests that no key or token proves.
        storage: ``memory:`` (each worker process counts for itself) or ``redis://`` (all together).
            Never shown, since a Redis URL may hold a password.
    """

    key: str = field(default="1000/second", metadata=checked(_as_rate))
    token: str = field(default="300/minute", metadata=checked(_as_rate))
    address: str = field(default="100/minute", metadata=checked(_as_rate))
    storage: str = field(default="memory:", repr=False, metadata=checked(_as_storage))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What the HTTP API is told.

    Attributes:
        keys_file: the server keys, as `progress-bridge keys` writes them. Read again when changed.
        sites: origins (``https://cours.example.org``) whose pages may call the API.
        guests: whether the pages of these sites may make new guests.
        rate_limit: how many requests are answered.
        proxies: addresses or networks whose word on the caller's address is taken.
    """

    keys_file: Path | None = field(default=None, metadata=checked(_as_path))
    sites: tuple[str, ...] = field(default=(), metadata=checked(_as_sites))
    guests: bool = field(default=False, metadata=checked(as_boolean))
    rate_limit: RateLimits = field(
        default_factory=RateLimits, metadata=checked(section(RateLimits))
    )
    proxies: tuple[str, ...] = field(default=("127.0.0.1", "::1"), metadata=checked(_as_proxies))
