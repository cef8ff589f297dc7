"""The section ``outbox``: where completions wait until they are delivered."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bridge.config.fields import (
    as_mapping,
    check_scheme,
    refuse_unknown,
    seconds,
    url_of,
    without_secrets,
)
from bridge.errors import ConfigurationError

OUTBOX_SCHEMES: Final = ("sqlite", "redis", "rediss")

_PREFIX: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSettings:
    """Where completions wait until they are delivered.

    Attributes:
        url: ``sqlite:///`` and a path, ``redis://`` or ``rediss://``; never shown whole, since a
            Redis URL may hold a password.
        timeout: seconds to wait for a locked file, or for Redis.
        prefix: what Redis's keys begin with, for several outboxes on one server.
    """

    url: str = field(repr=False)
    timeout: float = 5.0
    prefix: str = "progress-bridge:"

    @property
    def scheme(self) -> str:
        """One of `OUTBOX_SCHEMES`."""
        return urlsplit(self.url).scheme

    @property
    def path(self) -> Path:
        """The file of a ``sqlite:`` URL: relative after three slashes, absolute after four."""
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def shown_url(self) -> str:
        """The URL as a message may show it: without user, password and query."""
        return without_secrets(self.url)


def outbox_settings(value: object) -> OutboxSettings:
    """The section, checked.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    mapping = as_mapping("outbox", value)
    refuse_unknown("outbox.", mapping, OutboxSettings)
    url, prefix = url_of("outbox", mapping), mapping.get("prefix", "progress-bridge:")
    check_scheme("outbox", urlsplit(url).scheme, OUTBOX_SCHEMES)
    if url.startswith("sqlite:"):
        if not re.fullmatch(r"sqlite:///[^?]+", url) or url.endswith(":memory:"):
            raise ConfigurationError("outbox.url: sqlite:/// and the path of a file, no more")
    elif not urlsplit(url).hostname:
        raise ConfigurationError("outbox.url: no host")
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise ConfigurationError("outbox.prefix: not 1 to 100 of A-Z a-z 0-9 _ . : -")
    return OutboxSettings(url=url, timeout=seconds("outbox.timeout", mapping, 5.0), prefix=prefix)
