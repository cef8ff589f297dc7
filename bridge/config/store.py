"""The section ``store``: where progress is kept, and the data owner's names."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from bridge.config.fields import (
    Secret,
    as_mapping,
    check_scheme,
    count,
    refuse_unknown,
    seconds,
    secret,
    url_of,
    without_secrets,
)
from bridge.errors import ConfigurationError

SCHEMES: Final = ("https", "http", "sqlite", "postgresql", "memory")

_SQLITE_FILE: Final = re.compile(r"sqlite(\+\w+)?:///(?!:memory:)[^?]")
_Section = TypeVar("_Section")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerFields:
    """What the data owner calls the columns of the learners' collection."""

    id: str = "id"
    origin: str = "origin"
    external_user_id: str = "external_user_id"
    email: str = "email"
    date_creation: str = "date_creation"
    progress: str = "progress"  # Directus's alias field: the learner's progress rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressFields:
    """What the data owner calls the columns of the progress collection."""

    id: str = "id"
    learner: str = "apprenant_id"
    grain_id: str = "grain_id"
    module_id: str = "module_id"
    sequence_id: str = "sequence_id"
    completed_at: str = "completed_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names of collections (tables) and their fields (columns)."""

    learners: str = "apprenants"
    progress: str = "progress"
    learner_fields: LearnerFields = field(default_factory=LearnerFields)
    progress_fields: ProgressFields = field(default_factory=ProgressFields)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Where progress is kept and how it is reached.

    Attributes:
        url: never shown whole, since a database URL may hold a password.
        token: Directus static token; sent to ``url`` alone.
        ca_file: certificates to trust instead of the system's; TLS is always verified.
        connect_timeout: seconds.
        read_timeout: seconds; an answer that has begun may take twice as long altogether.
        connections: how many requests may be under way at once.
        learner_cache: how many learners' keys are remembered, 0 for none.
        names: the data owner's names of collections and fields.
    """

    url: str = field(repr=False)
    token: Secret | None = None
    ca_file: Path | None = None
    connect_timeout: float = 3.0
    read_timeout: float = 10.0
    connections: int = 4
    learner_cache: int = 50_000
    names: Names = field(default_factory=Names)

    @property
    def scheme(self) -> str:
        """One of `SCHEMES`."""
        return urlsplit(self.url).scheme.partition("+")[0]

    @property
    def shown_url(self) -> str:
        """The URL as a message may show it: without user, password and query."""
        return without_secrets(self.url)


def store_settings(value: object) -> StoreSettings:
    """The section, checked.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    mapping = as_mapping("store", value)
    refuse_unknown("store.", mapping, StoreSettings, "token_file")
    settings = StoreSettings(
        url=url_of("store", mapping),
        token=secret("store.token", mapping),
        ca_file=_ca_file(mapping.get("ca_file")),
        connect_timeout=seconds("store.connect_timeout", mapping, 3.0),
        read_timeout=seconds("store.read_timeout", mapping, 10.0),
        connections=count("store.connections", mapping, 4, 1, 32),
        learner_cache=count("store.learner_cache", mapping, 50_000, 0, 10_000_000),
        names=_names(mapping.get("names") or {}),
    )
    _check_url(settings)
    return settings


def _check_url(settings: StoreSettings) -> None:
    check_scheme("store", settings.scheme, SCHEMES)
    if settings.scheme == "sqlite" and not _SQLITE_FILE.match(settings.url):
        raise ConfigurationError("store.url: sqlite:/// and the path of a file")
    if settings.scheme in ("http", "https"):
        parts = urlsplit(settings.url)
        if not parts.hostname:
            raise ConfigurationError("store.url: no host")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ConfigurationError(
                "store.url: a Directus URL has no user, password, query or fragment; "
                "the token goes into store.token_file or PROGRESS_BRIDGE_STORE_TOKEN"
            )
        if settings.token is None:
            raise ConfigurationError(
                "store.token_file: Directus needs a token; name a file that holds it, "
                "or set PROGRESS_BRIDGE_STORE_TOKEN"
            )


def _ca_file(value: object) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike) or not Path(value).is_file():
        raise ConfigurationError(f"store.ca_file: no such file: {value}")
    return Path(value)


def _names(value: object) -> Names:
    mapping = as_mapping("store.names", value)
    refuse_unknown("store.names.", mapping, Names)
    return Names(
        **_texts("store.names.", {k: mapping[k] for k in ("learners", "progress") if k in mapping}),
        learner_fields=_fields("learner_fields", mapping, LearnerFields),
        progress_fields=_fields("progress_fields", mapping, ProgressFields),
    )


def _fields(name: str, mapping: Mapping[str, Any], cls: type[_Section]) -> _Section:
    inner = as_mapping(f"store.names.{name}", mapping.get(name) or {})
    refuse_unknown(f"store.names.{name}.", inner, cls)
    return cls(**_texts(f"store.names.{name}.", inner))


def _texts(section: str, mapping: Mapping[str, Any]) -> dict[str, str]:
    for key, value in mapping.items():
        if not isinstance(value, str) or not value.isidentifier():
            raise ConfigurationError(f"{section}{key}: not a name (letters, digits and _): {value}")
    return dict(mapping)
