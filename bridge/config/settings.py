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
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import yaml

from bridge.config.delivery import DeliverySettings
from bridge.config.fields import (
    as_boolean,
    as_mapping,
    checked,
    optional_section,
    read_section,
    section,
)
from bridge.config.outbox import OutboxSettings
from bridge.config.service import ServiceSettings
from bridge.config.store import StoreSettings, store_settings
from bridge.config.tokens import TokenSettings
from bridge.errors import ConfigurationError
from bridge.support.file_access import why_unreadable
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that the bridge can be told.

    Attributes:
        store: where progress is kept.
        outbox: where completions wait until they are delivered, or None for no outbox.
        delivery: how they are delivered.
        store_email: keep learners' e-mail addresses (personal data) in the store.
        tokens: how learner tokens are signed, or None where none are issued or read.
        service: what the HTTP API is told.
    """

    store: StoreSettings = field(metadata=checked(store_settings))
    outbox: OutboxSettings | None = field(
        default=None, metadata=checked(optional_section(OutboxSettings))
    )
    delivery: DeliverySettings = field(
        default_factory=DeliverySettings, metadata=checked(section(DeliverySettings))
    )
    store_email: bool = field(default=False, metadata=checked(as_boolean))
    tokens: TokenSettings | None = field(
        default=None, metadata=checked(optional_section(TokenSettings))
    )
    service: ServiceSettings = field(
        default_factory=ServiceSettings, metadata=checked(section(ServiceSettings))
    )

    @classmethod
    def load(
        cls, path: str | os.PathLike[str] | None = None, environ: Mapping[str, str] = os.environ
    ) -> Self:
        """Read the YAML file, if there is one, and the environment.

        Args:
            path: of the file; else ``PROGRESS_BRIDGE_CONFIG`` names it.
            environ: environment variables, which win over the file.

        Raises:
            ConfigurationError: naming the setting and what is wrong with it.
        """
        path = path or environ.get(CONFIG_VARIABLE)
        return cls.from_mapping(_read_yaml(Path(path)) if path else {}, environ)

    @classmethod
    def from_mapping(
        cls, mapping: Mapping[str, Any], environ: Mapping[str, str] | None = None
    ) -> Self:
        """Check settings in the shape of the YAML file.

        Args:
            mapping: the settings.
            environ: environment variables, which win over the mapping.

        Raises:
            ConfigurationError: naming the setting and what is wrong with it.
        """
        if not isinstance(mapping, Mapping):
            raise ConfigurationError("the configuration is not a mapping of settings")
        return read_section(cls, "", _with_environment(mapping, environ or {}))


def _read_yaml(path: Path) -> Mapping[str, Any]:
    try:
        document = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = why_unreadable(path) or error
        raise ConfigurationError(f"cannot read the configuration {path}: {why}") from None
    except TooDeep as error:
        raise ConfigurationError(f"{path}: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigurationError(f"{path}{where}: not YAML") from None
    return {} if document is None else document


def _with_environment(mapping: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the mapping with the environment's values put over it."""
    merged = dict(mapping)
    for variable, (name, key) in ENVIRONMENT.items():
        if environ.get(variable):
            inner = as_mapping(name, merged.get(name) or {})
            if key == "token":
                inner.pop("token_file", None)
            elif key == "token_file":
                inner.pop("token", None)
            merged[name] = {**inner, key: environ[variable]}
    return merged
