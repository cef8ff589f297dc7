"""The section ``tokens``: the keys that sign learner tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from bridge.config.fields import Secret, as_mapping, refuse_unknown, secret, some_of
from bridge.errors import ConfigurationError
from bridge.model import Origin

SHORTEST: Final = 32
"""Bytes of a key: HS256 asks for as many as its hash has (RFC 7518, 3.2)."""

_KEY_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """A key that signs learner tokens.

    Attributes:
        id: its name, which every token tells (``kid``); 1 to 64 of ``A-Z a-z 0-9 _ . -``.
        secret: at least 32 bytes.
        origins: of whose learners it makes its tokens' bearers; any unless it is said.
    """

    id: str
    secret: Secret
    origins: frozenset[Origin]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings:
    """How learner tokens are signed.

    Attributes:
        keys: the first for an origin signs, all of them are accepted: that is how keys are rotated.
        audience: whom the tokens are for; the same for who issues and who reads them.
    """

    keys: tuple[TokenKey, ...]
    audience: str = "progress-bridge"

    def keys_for(self, origin: Origin) -> tuple[TokenKey, ...]:
        """The keys for learners of this origin, the one that signs first."""
        return tuple(key for key in self.keys if origin in key.origins)


def token_settings(value: object) -> TokenSettings | None:
    """The section, checked; None when there is none.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    if value is None:
        return None
    mapping = as_mapping("tokens", value)
    refuse_unknown("tokens.", mapping, TokenSettings)
    given, audience = mapping.get("keys"), mapping.get("audience", "progress-bridge")
    if not isinstance(given, list | tuple) or not given:
        raise ConfigurationError("tokens.keys: not a list of keys, each with id and secret_file")
    if not isinstance(audience, str) or not audience.strip():
        raise ConfigurationError("tokens.audience: empty")
    keys = tuple(_key(f"tokens.keys[{n}]", item) for n, item in enumerate(given))
    if len({key.id for key in keys}) < len(keys):
        raise ConfigurationError("tokens.keys: two keys have the same id")
    return TokenSettings(keys=keys, audience=audience.strip())


def _key(name: str, value: Any) -> TokenKey:
    mapping = {"origins": [*Origin], **as_mapping(name, value)}
    refuse_unknown(f"{name}.", mapping, TokenKey, "secret_file")
    key_id = mapping.get("id")
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise ConfigurationError(f"{name}.id: not 1 to 64 of A-Z a-z 0-9 _ . - (quote a number)")
    found = secret(f"{name}.secret", mapping)
    if found is None:
        raise ConfigurationError(f"{name}.secret_file: missing; name a file that holds the key")
    if len(found.reveal()) < SHORTEST:
        raise ConfigurationError(f"{name}.secret: too short (at least {SHORTEST} bytes)")
    return TokenKey(id=key_id, secret=found, origins=some_of(f"{name}.origins", mapping, Origin))
