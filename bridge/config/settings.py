"""The configuration: one YAML file, then the environment, become one checked `Settings`.

The same settings can come as a mapping (Open edX hands one over), in the same shape as the file::

    store:
      url: https://directus.example.org   # or sqlite:///progress.db, postgresql://…, memory:
      token_file: /run/secrets/directus-token
    outbox:
      url: sqlite:////var/lib/progress-bridge/outbox.db   # or redis://…, rediss://…
    delivery:
      connections: 4
    store_email: false
    tokens:
      keys:
        - id: "2026-11"
          secret_file: /run/secrets/progress-bridge-token-2026-11
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import yaml

from bridge.config.fields import Secret as Secret
from bridge.config.fields import (
    as_mapping,
    boolean,
    check_scheme,
    count,
    refuse_unknown,
    seconds,
    secret,
    url_of,
)
from bridge.config.service import ServiceSettings, service_settings
from bridge.config.tokens import TokenSettings, token_settings
from bridge.errors import ConfigurationError
from bridge.support.nesting import TooDeep, load_yaml

CONFIG_VARIABLE: Final = "PROGRESS_BRIDGE_CONFIG"
"""Environment variable with the path of the YAML file."""

ENVIRONMENT: Final[Mapping[str, tuple[str, ...]]] = {
    "PROGRESS_BRIDGE_STORE_URL": ("store", "url"),
    "PROGRESS_BRIDGE_STORE_TOKEN": ("store", "token"),
    "PROGRESS_BRIDGE_STORE_TOKEN_FILE": ("store", "token_file"),
    "PROGRESS_BRIDGE_STORE_CA_FILE": ("store", "ca_file"),
    "PROGRESS_BRIDGE_OUTBOX_URL": ("outbox", "url"),
}
"""Environment variables that win over the file, and the setting each one stands for."""

SCHEMES: Final = ("https", "http", "sqlite", "postgresql", "memory")
OUTBOX_SCHEMES: Final = ("sqlite", "redis", "rediss")

_USER_AND_PASSWORD: Final = re.compile(r"^([^:/]+://).*@")
_SQLITE_FILE: Final = re.compile(r"sqlite(\+\w+)?:///(?!:memory:)[^?]")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
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
        return _without_secrets(self.url)


def _without_secrets(url: str) -> str:
    if url.startswith("sqlite"):
        return url.partition("?")[0]
    return _USER_AND_PASSWORD.sub(r"\1", url).partition("?")[0]


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
        return _without_secrets(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """How completions go from the outbox to the store. Times are in seconds.

    Attributes:
        batch: completions in a batch at most.
        age: how long a completion waits for others to share its batch, 5 at most; also how often an
            idle deliverer looks.
        connections: batches under way at once.
        backoff: the first wait is up to so long after the store was unavailable, each further
            one up to twice as long.
        backoff_max: the longest such wait.
        probe: how often a paused delivery tries whether the store is mended.
        lease: how long the completions of a deliverer that was killed stay with it. Those of a
            living one are renewed.
        grace: how long the batches under way have to end once delivery is asked to stop.
    """

    batch: int = 500
    age: float = 0.2
    connections: int = 4
    backoff: float = 0.5
    backoff_max: float = 60.0
    probe: float = 15.0
    lease: float = 60.0
    grace: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that the bridge can be told.

    Attributes:
        store: where progress is kept.
        outbox: where completions wait until they are delivered; None for no outbox.
        delivery: how they are delivered.
        store_email: keep learners' e-mail addresses (personal data) in the store.
        tokens: how learner tokens are signed; None where none are issued or read.
        service: what the HTTP API is told.
    """

    store: StoreSettings
    outbox: OutboxSettings | None = None
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    store_email: bool = False
    tokens: TokenSettings | None = None
    service: ServiceSettings = field(default_factory=ServiceSettings)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str] | None = None, environ: Mapping[str, str] = os.environ
    ) -> Self:
        """Read the YAML file (``path``, or what ``PROGRESS_BRIDGE_CONFIG`` names), if there is one.

        Raises:
            ConfigurationError: naming the setting and what is wrong with it.
        """
        path = path or environ.get(CONFIG_VARIABLE)
        return cls.from_mapping(_read_yaml(Path(path)) if path else {}, environ)

    @classmethod
    def from_mapping(
        cls, mapping: Mapping[str, Any], environ: Mapping[str, str] | None = None
    ) -> Self:
        """Check settings in the shape of the YAML file; ``environ``'s variables win over them.

        Raises:
            ConfigurationError: naming the setting and what is wrong with it.
        """
        if not isinstance(mapping, Mapping):
            raise ConfigurationError("the configuration is not a mapping of settings")
        merged = _with_environment(mapping, environ or {})
        refuse_unknown("", merged, cls)
        store = merged.get("store")
        if store is None:
            raise ConfigurationError(
                "no store: set store.url in the file named by PROGRESS_BRIDGE_CONFIG, "
                "or PROGRESS_BRIDGE_STORE_URL"
            )
        outbox = merged.get("outbox")
        return cls(
            store=_store(store),
            outbox=None if outbox is None else _outbox(outbox),
            delivery=_delivery(merged.get("delivery")),
            store_email=boolean("store_email", merged),
            tokens=token_settings(merged.get("tokens")),
            service=service_settings(merged.get("service")),
        )


def _read_yaml(path: Path) -> Mapping[str, Any]:
    try:
        document = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the configuration {path}: {error}") from None
    except TooDeep as error:
        raise ConfigurationError(f"{path}: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigurationError(f"{path}{where}: not YAML") from None
    return {} if document is None else document


def _with_environment(mapping: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The mapping with the environment's values put over it."""
    merged = dict(mapping)
    for variable, (section, key) in ENVIRONMENT.items():
        if environ.get(variable):
            inner = as_mapping(section, merged.get(section) or {})
            if key == "token":
                inner.pop("token_file", None)
            elif key == "token_file":
                inner.pop("token", None)
            merged[section] = {**inner, key: environ[variable]}
    return merged


def _store(value: object) -> StoreSettings:
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


def _outbox(value: object) -> OutboxSettings:
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


def _delivery(value: object) -> DeliverySettings:
    mapping = as_mapping("delivery", value or {})
    refuse_unknown("delivery.", mapping, DeliverySettings)
    default = DeliverySettings()
    times = ("age", "backoff", "backoff_max", "probe", "lease", "grace")
    return DeliverySettings(
        batch=count("delivery.batch", mapping, default.batch, 1, 5_000),
        connections=count("delivery.connections", mapping, default.connections, 1, 32),
        **{name: seconds(f"delivery.{name}", mapping, getattr(default, name)) for name in times},
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
