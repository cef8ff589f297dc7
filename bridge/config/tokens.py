"""The section ``tokens``: the keys that sign learner tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from bridge.config.fields import (
    Secret,
    as_secret,
    checked,
    optional_section,
    read_section,
    some_of,
)
from bridge.errors import ConfigurationError
from bridge.model import Origin

MIN_SECRET_BYTES: Final = 32
"""Bytes of a key at least: HS256 asks for as many as its hash has (RFC 7518, 3.2)."""

_KEY_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def _as_key_id(name: str, value: object) -> str:
    """Check the name of a key."""
    if not isinstance(value, str) or not _KEY_ID.fullmatch(value):
        raise ConfigurationError(f"{name}: not 1 to 64 of A-Z a-z 0-9 _ . - (quote a number)")
    return value


def _as_signing_secret(name: str, value: object) -> Secret:
    """Check a secret that is long enough to sign with."""
    found = as_secret(name, value)
    if found is None:
        raise ConfigurationError(f"{name}_file: missing; name a file that holds the key")
    if len(found.reveal()) < MIN_SECRET_BYTES:
        raise ConfigurationError(f"{name}: too short (at least {MIN_SECRET_BYTES} bytes)")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """A key that signs learner tokens.

    Attributes:
        id: its name, which every token tells (``kid``): 1 to 64 of ``A-Z a-z 0-9 _ . -``.
        secret: at least 32 bytes.
        origins: those of the learners for whom it may sign. All of them by default.
    """

    id: str = field(metadata=checked(_as_key_id))
    secret: Secret = field(metadata=checked(_as_signing_secret, or_file=True))
    origins: frozenset[Origin] = field(default=frozenset(Origin), metadata=checked(some_of(Origin)))


def _as_keys(name: str, value: object) -> tuple[TokenKey, ...]:
    """Check a list of one or more keys, each with an id of its own."""
    if not isinstance(value, list | tuple) or not value:
        raise ConfigurationError(f"{name}: not a list of keys, each with id and secret_file")
    keys = tuple(read_section(TokenKey, f"{name}[{n}]", item) for n, item in enumerate(value))
    if len({key.id for key in keys}) < len(keys):
        raise ConfigurationError(f"{name}: two keys have the same id")
    return keys


def _as_audience(name: str, value: object) -> str:
    """Check whom the tokens are for."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{name}: empty")
    return value.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings:
    """How learner tokens are signed.

    Attributes:
        keys: the first for an origin signs, all of them are accepted: that is how keys are rotated.
        audience: whom the tokens are for. Who issues and who reads them need the same.
    """

    keys: tuple[TokenKey, ...] = field(metadata=checked(_as_keys))
    audience: str = field(default="progress-bridge", metadata=checked(_as_audience))

    def keys_for(self, origin: Origin) -> tuple[TokenKey, ...]:
        """Return the keys for learners of this origin, the one that signs first."""
        return tuple(key for key in self.keys if origin in key.origins)


def token_settings(value: object) -> TokenSettings | None:
    """Read the section ``tokens`` where it stands alone, as in the settings of the XBlock.

    Returns:
        The settings, or None when ``value`` is None.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    settings: TokenSettings | None = optional_section(TokenSettings)("tokens", value)
    return settings
