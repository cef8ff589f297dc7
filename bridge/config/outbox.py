"""The section ``outbox``: where completions wait until they are delivered."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bridge.config.fields import as_seconds, as_url, check_scheme, checked, without_secrets
from bridge.errors import ConfigurationError

OUTBOX_SCHEMES: Final = ("sqlite", "redis", "rediss")

_PREFIX: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}")


def _as_outbox_url(name: str, value: object) -> str:
    """Check a URL that `OutboxSettings` takes."""
    url = as_url(name, value)
    check_scheme(name, urlsplit(url).scheme, OUTBOX_SCHEMES)
    if url.startswith("sqlite:"):
        if not re.fullmatch(r"sqlite:///[^?]+", url) or url.endswith(":memory:"):
            raise ConfigurationError(f"{name}: sqlite:/// and the path of a file, no more")
    elif not urlsplit(url).hostname:
        raise ConfigurationError(f"{name}: no host")
    return url


def _as_prefix(name: str, value: object) -> str:
    """Check what Redis's keys may begin with."""
    if not isinstance(value, str) or not _PREFIX.fullmatch(value):
        raise ConfigurationError(f"{name}: not 1 to 100 of A-Z a-z 0-9 _ . : -")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSettings:
    """Where completions wait until they are delivered.

    Attributes:
        url: ``sqlite:///`` and a path, ``redis://`` or ``rediss://``. Never shown whole, since a
            Redis URL may hold a password.
        timeout: seconds to wait for a locked file, or for Redis.
        prefix: what Redis's keys begin with, for several outboxes on one server.
    """

    url: str = field(repr=False, metadata=checked(_as_outbox_url))
    timeout: float = field(default=5.0, metadata=checked(as_seconds))
    prefix: str = field(default="progress-bridge:", metadata=checked(_as_prefix))

    @property
    def scheme(self) -> str:
        """Return the URL's scheme, one of `OUTBOX_SCHEMES`."""
        return urlsplit(self.url).scheme

    @property
    def path(self) -> Path:
        """Return the file of a ``sqlite:`` URL.

        It is relative after three slashes, absolute after four.
        """
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def shown_url(self) -> str:
        """Return the URL as a message may show it: without user, password and query."""
        return without_secrets(self.url)
