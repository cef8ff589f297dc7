"""Signed learner tokens: who issues one says which learner its bearer is.

A token is a JWT (RFC 7519) signed with HS256 alone. The XBlock issues one for the page that it
embeds, an LTI launch or a guest's first visit for a page of the direct site. The HTTP service reads
them. Both have the same keys (`bridge.config.tokens`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import jwt
from jwt.utils import base64url_decode

from bridge.config import TokenKey, TokenSettings
from bridge.errors import ConfigurationError, InvalidInput, InvalidToken
from bridge.model import Completion, Identity
from bridge.support.nesting import check_json

DEFAULT_LIFETIME_SECONDS: Final = 300.0
"""Seconds that a token is valid unless it is said otherwise."""

MAX_LIFETIME_SECONDS: Final = 393 * 86_400.0
"""Seconds that a token is valid at most: 13 months at their shortest, what the CNIL allows an
audience cookie (deliberation 2020-091), whenever they begin."""

MAX_TOKEN_CHARACTERS: Final = 8_192
"""Characters of a token at most: what servers and proxies take in one header."""

LEEWAY_SECONDS: Final = 10.0
"""Seconds by which the clocks of who issues and who reads may differ."""

_ALGORITHM: Final = "HS256"
_ISSUER: Final = "progress-bridge"
_REQUIRED_CLAIMS: Final = ["aud", "iss", "sub", "origin", "iat", "exp"]


@dataclass(frozen=True, slots=True)
class LearnerToken:
    """What a token says.

    Attributes:
        identity: the learner that its bearer is.
        grains: ids of the grains that it is good for, or None for any.
        expires_at: aware, UTC.
    """

    identity: Identity
    grains: frozenset[str] | None
    expires_at: datetime

    def allows(self, grain_id: str) -> bool:
        """Return whether the token is good for this grain."""
        return self.grains is None or grain_id in self.grains


class Tokens:
    """Issues and reads learner tokens.

    Args:
        settings: the keys.
    """

    def __init__(self, settings: TokenSettings) -> None:
        self._settings = settings
        self._keys = {key.id: key for key in settings.keys}

    def issue(
        self,
        identity: Identity,
        grains: Collection[str] | None = None,
        *,
        lifetime: float = DEFAULT_LIFETIME_SECONDS,
    ) -> str:
        """Issue a token that makes its bearer this learner.

        Args:
            identity: the learner.
            grains: ids of the grains that it is good for, under the rules of `Completion`, or None
                for any.
            lifetime: seconds that it is valid, 1 to `MAX_LIFETIME_SECONDS` (13 months).

        Returns:
            The JWT, at most 8,192 characters.

        Raises:
            ConfigurationError: no key is for learners of this origin.
            InvalidCompletion: a grain's id breaks a rule.
            ValueError: the lifetime is out of range, or there are so many grains that the token
                would be longer than 8,192 characters.
        """
        if not 1 <= lifetime <= MAX_LIFETIME_SECONDS:
            raise ValueError(f"a token is valid for 1 second to 13 months, not {lifetime}")
        key = next(iter(self._settings.keys_for(identity.origin)), None)
        if key is None:
            raise ConfigurationError(f"tokens.keys: none is for learners of {identity.origin}")
        now = time.time()
        claims: dict[str, Any] = {
            "aud": self._settings.audience,
            "iss": _ISSUER,
            "sub": identity.external_user_id,
            "origin": str(identity.origin),
            "iat": int(now),
            "exp": math.ceil(now + lifetime),
            "jti": uuid4().hex,
        }
        if grains is not None:
            claims["grains"] = _sorted_grain_ids(identity, grains)
        token = jwt.encode(claims, key.secret.reveal(), _ALGORITHM, headers={"kid": key.id})
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise ValueError(f"a token for {len(grains or ())} grains is too long")
        return token

    def read(self, token: str) -> LearnerToken:
        """Verify a token and return what it says.

        Raises:
            InvalidToken: it was not signed with our keys, or is not valid now. The error's text
                says why and holds nothing of the token.
        """
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise InvalidToken("the token is too long")
        try:
            _check_depth(token)
            key = self._signing_key(token)
            learner = _learner_token(self._verified_claims(token, key))
        except jwt.ExpiredSignatureError:
            raise InvalidToken("the token has expired") from None
        except jwt.PyJWTError as error:
            raise InvalidToken(f"the token is not valid ({type(error).__name__})") from None
        except InvalidInput as error:
            raise InvalidToken(f"the token names no learner: {error.rule}") from None
        except (ValueError, TypeError, OverflowError, OSError):
            raise InvalidToken("the token is not well-formed") from None
        if learner.identity.origin not in key.origins:
            raise InvalidToken("the token's key is not for learners of its origin")
        return learner

    def _signing_key(self, token: str) -> TokenKey:
        key = self._keys.get(jwt.get_unverified_header(token).get("kid", ""))
        if key is None:
            raise jwt.InvalidSignatureError
        return key

    def _verified_claims(self, token: str, key: TokenKey) -> dict[str, Any]:
        return jwt.decode(
            token,
            key.secret.reveal(),
            algorithms=[_ALGORITHM],
            audience=self._settings.audience,
            issuer=_ISSUER,
            leeway=LEEWAY_SECONDS,
            # Not "iat": a clock that was ahead and is put right must cost nobody who they are.
            options={"require": _REQUIRED_CLAIMS, "verify_iat": False},
        )


def _check_depth(token: str) -> None:
    """Check how deep the header and the claims are nested, before PyJWT parses them.

    Raises:
        ValueError: one is nested too deep, or is no text.
    """
    for part in token.split(".")[:2]:
        check_json(base64url_decode(part).decode())


def _sorted_grain_ids(identity: Identity, grains: Collection[str]) -> list[str]:
    if isinstance(grains, str):
        raise TypeError("grains: a collection of ids, not one id")
    return sorted({Completion(identity, grain).grain_id for grain in grains})


def _learner_token(claims: dict[str, Any]) -> LearnerToken:
    """Parse the claims of a token whose signature is verified.

    They are still checked: whoever has a key may have written anything.

    Raises:
        InvalidInput, ValueError, OverflowError, OSError: they make no sense.
    """
    grains = claims.get("grains")
    if grains is not None and not (
        isinstance(grains, list) and all(isinstance(grain, str) for grain in grains)
    ):
        raise ValueError("grains")
    if claims["iat"] > claims["exp"]:
        raise ValueError("iat")
    return LearnerToken(
        Identity(claims["origin"], claims["sub"]),
        None if grains is None else frozenset(grains),
        datetime.fromtimestamp(claims["exp"], UTC),
    )
