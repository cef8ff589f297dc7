"""The section ``store``: where progress is kept, and the data owner's names."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bridge.config.fields import (
    Secret,
    as_seconds,
    as_secret,
    as_url,
    check_scheme,
    checked,
    read_section,
    section,
    whole_number,
    without_secrets,
)
from bridge.errors import ConfigurationError

SCHEMES: Final = ("https", "http", "sqlite", "postgresql", "memory")

_SQLITE_FILE: Final = re.compile(r"sqlite(\+\w+)?:///(?!:memory:)[^?]")


def _as_store_url(name: str, value: object) -> str:
    """Check a URL that `StoreSettings` takes."""
    url = as_url(name, value)
    scheme = _scheme(url)
    check_scheme(name, scheme, SCHEMES)
    if scheme == "sqlite" and not _SQLITE_FILE.match(url):
        raise ConfigurationError(f"{name}: sqlite:/// and the path of a file")
    if scheme == "sqlite" and "?" in url:
        parameter = url.partition("?")[2].partition("=")[0]
        raise ConfigurationError(f"{name}: an SQLite URL takes no parameter: {parameter}")
    if scheme in ("http", "https"):
        _check_directus_url(name, url)
    return url


def _check_directus_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    if not parts.hostname:
        raise ConfigurationError(f"{name}: no host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{name}: a Directus URL has no user, password, query or fragment; "
            "the token goes into store.token_file or PROGRESS_BRIDGE_STORE_TOKEN"
        )


def _scheme(url: str) -> str:
    """Return the URL's scheme without a driver's name (``postgresql+psycopg``)."""
    return urlsplit(url).scheme.partition("+")[0]


def _as_ca_file(name: str, value: object) -> Path | None:
    """Check a file of certificates, or None."""
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike) or not Path(value).is_file():
        raise ConfigurationError(f"{name}: no such file: {value}")
    return Path(value)


def _as_name(name: str, value: object) -> str:
    """Check the name of a collection or field."""
    if not isinstance(value, str) or not value.isidentifier():
        raise ConfigurationError(f"{name}: not a name (letters, digits and _): {value}")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerFields:
    """What the data owner calls the columns of the learners' collection.

    Attributes:
        progress: no column, but Directus's alias field: the learner's progress rows.
    """

    id: str = field(default="id", metadata=checked(_as_name))
    origin: str = field(default="origin", metadata=checked(_as_name))
    external_user_id: str = field(default="external_user_id", metadata=checked(_as_name))
    email: str = field(default="email", metadata=checked(_as_name))
    date_creation: str = field(default="date_creation", metadata=checked(_as_name))
    progress: str = field(default="progress", metadata=checked(_as_name))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressFields:
    """What the data owner calls the columns of the progress collection."""

    id: str = field(default="id", metadata=checked(_as_name))
    learner: str = field(default="apprenant_id", metadata=checked(_as_name))
    grain_id: str = field(default="grain_id", metadata=checked(_as_name))
    module_id: str = field(default="module_id", metadata=checked(_as_name))
    sequence_id: str = field(default="sequence_id", metadata=checked(_as_name))
    completed_at: str = field(default="completed_at", metadata=checked(_as_name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names of collections (tables) and their fields (columns)."""

    learners: str = field(default="apprenants", metadata=checked(_as_name))
    progress: str = field(default="progress", metadata=checked(_as_name))
    learner_fields: LearnerFields = field(
        default_factory=LearnerFields, metadata=checked(section(LearnerFields))
    )
    progress_fields: ProgressFields = field(
        default_factory=ProgressFields, metadata=checked(section(ProgressFields))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Where progress is kept and how it is reached.

    Attributes:
        url: never shown whole, since a database URL may hold a password.
        token: Directus static token, sent to ``url`` alone.
        ca_file: certificates to trust instead of the system's. TLS is always verified.
        connect_timeout: seconds.
        read_timeout: seconds. An answer that has begun may take twice as long altogether.
        connections: how many requests may be under way at once.
        learner_cache: how many learners' keys are remembered, 0 for none.
        names: the data owner's names of collections and fields.
    """

    url: str = field(repr=False, metadata=checked(_as_store_url))
    token: Secret | None = field(default=None, metadata=checked(as_secret, or_file=True))
    ca_file: Path | None = field(default=None, metadata=checked(_as_ca_file))
    connect_timeout: float = field(default=3.0, metadata=checked(as_seconds))
    read_timeout: float = field(default=10.0, metadata=checked(as_seconds))
    connections: int = field(default=4, metadata=checked(whole_number(1, 32)))
    learner_cache: int = field(default=50_000, metadata=checked(whole_number(0, 10_000_000)))
    names: Names = field(default_factory=Names, metadata=checked(section(Names)))

    @property
    def scheme(self) -> str:
        """Return the kind of the URL, one of `SCHEMES`."""
        return _scheme(self.url)

    @property
    def shown_url(self) -> str:
        """Return the URL as a message may show it: without user, password and query."""
        return without_secrets(self.url)


def store_settings(name: str, value: object) -> StoreSettings:
    """Check the section, and what its settings ask of each other.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    if value is None:
        raise ConfigurationError(
            "no store: set store.url in the file named by PROGRESS_BRIDGE_CONFIG, "
            "or PROGRESS_BRIDGE_STORE_URL"
        )
    settings = read_section(StoreSettings, name, value)
    if settings.scheme in ("http", "https") and settings.token is None:
        raise ConfigurationError(
            f"{name}.token_file: Directus needs a token; name a file that holds it, "
            "or set PROGRESS_BRIDGE_STORE_TOKEN"
        )
    return settings
