"""The section ``service``: what the HTTP API is told."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bridge.config.fields import as_mapping, boolean, refuse_unknown
from bridge.errors import ConfigurationError

_LIMIT: Final = re.compile(r"[1-9][0-9]{0,6}/(second|minute|hour)")
_SITE: Final = re.compile(
    r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:.]+\](:[0-9]{1,5})?"
)
_STORAGES: Final = ("memory", "redis", "rediss")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """How many requests are answered, as ``300/minute`` (second, minute, hour), or ``off``.

    Attributes:
        key: of one server key.
        token: of one learner, whatever tokens they hold.
        address: of one address, counting new guests and requests that no key or token proves.
        storage: ``memory:`` (each worker process counts for itself) or ``redis://`` (all together);
            never shown, since a Redis URL may hold a password.
    """

    key: str = "1000/second"
    token: str = "300/minute"  # noqa: S105 -- a rate
    address: str = "100/minute"
    storage: str = field(default="memory:", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What the HTTP API is told.

    Attributes:
        keys_file: the server keys, as `progress-bridge keys` writes them; read again when changed.
        sites: origins (``https://cours.example.org``) whose pages may call the API.
        guests: whether their pages may make new guests.
        rate_limit: how many requests are answered.
        proxies: addresses or networks whose word on the caller's address is taken.
    """

    keys_file: Path | None = None
    sites: tuple[str, ...] = ()
    guests: bool = False
    rate_limit: RateLimits = field(default_factory=RateLimits)
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")


def service_settings(value: object) -> ServiceSettings:
    """The section, checked; the defaults when there is none.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    mapping = as_mapping("service", value or {})
    refuse_unknown("service.", mapping, ServiceSettings)
    default = ServiceSettings()
    keys_file = mapping.get("keys_file")
    if keys_file is not None and not isinstance(keys_file, str | os.PathLike):
        raise ConfigurationError("service.keys_file: not a path")
    return ServiceSettings(
        keys_file=None if keys_file is None else Path(keys_file),
        sites=tuple(_site(n, site) for n, site in enumerate(_listed("sites", mapping, ()))),
        guests=boolean("service.guests", mapping),
        rate_limit=_rate_limits(mapping.get("rate_limit")),
        proxies=tuple(_proxy(item) for item in _listed("proxies", mapping, default.proxies)),
    )


def _listed(name: str, mapping: dict[str, Any], default: tuple[str, ...]) -> list[Any]:
    value = mapping.get(name, default)
    if not isinstance(value, list | tuple):
        raise ConfigurationError(f"service.{name}: not a list")
    return list(value)


def _site(number: int, value: object) -> str:
    """An origin as browsers write it (RFC 6454): lower case, no path, no default port."""
    name = f"service.sites[{number}]"
    if not isinstance(value, str) or not _SITE.fullmatch(value.strip().rstrip("/").lower()):
        raise ConfigurationError(
            f"{name}: not an origin such as https://cours.example.org: {value}"
        )
    site = value.strip().rstrip("/").lower()
    default = {"http": ":80", "https": ":443"}[urlsplit(site).scheme]
    return site.removesuffix(default)


def _proxy(value: object) -> str:
    try:
        ipaddress.ip_network(str(value))
    except ValueError:
        raise ConfigurationError(f"service.proxies: not an address or network: {value}") from None
    return str(value)


def _rate_limits(value: object) -> RateLimits:
    mapping = as_mapping("service.rate_limit", value or {})
    refuse_unknown("service.rate_limit.", mapping, RateLimits)
    for name, given in mapping.items():
        if name == "storage":
            if not isinstance(given, str) or given.partition(":")[0] not in _STORAGES:
                raise ConfigurationError(
                    "service.rate_limit.storage: neither memory: nor redis://…"
                )
        elif given is False:  # what YAML makes of `off`
            mapping[name] = "off"
        elif given != "off" and not (isinstance(given, str) and _LIMIT.fullmatch(given)):
            raise ConfigurationError(
                f"service.rate_limit.{name}: not a rate such as 300/minute, nor off: {given}"
            )
    return RateLimits(**{f.name: mapping[f.name] for f in fields(RateLimits) if f.name in mapping})
