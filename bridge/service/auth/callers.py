"""Who calls, and what they may do: server keys and learner tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request

from bridge.errors import InvalidCompletion, InvalidIdentity, InvalidToken, RuleCode
from bridge.model import Completion, Identity, Origin
from bridge.service.auth.keys import KeyRight, KeyRing, ServerKey
from bridge.service.auth.rate_limits import RateLimiter
from bridge.service.http.problems import Problem, forbidden
from bridge.tokens import LearnerToken, Tokens

_ORIGINS: Final = frozenset(str(origin) for origin in Origin)
_REALM: Final = 'Bearer realm="progress-bridge"'


@dataclass(frozen=True, slots=True)
class ServerCaller:
    """A server with a key, which speaks for all learners of its key's origins."""

    key: ServerKey

    @property
    def name(self) -> str:
        """Return the name of the caller in the access log."""
        return f"key:{self.key.id}"

    def learner_in_url(self, right: KeyRight, origin: str, external_user_id: str) -> Identity:
        """Return the learner that the URL names, if the key has the right to them.

        Raises:
            Problem: 403, the key lacks the right or is not for the origin. 422, the id breaks a
                rule, which is named.
        """
        if right not in self.key.rights or origin not in self.key.origins:
            raise forbidden()
        try:
            return Identity(origin, external_user_id)
        except InvalidIdentity as error:
            raise Problem(
                422,
                "the URL names no learner",
                errors=[
                    {
                        "field": "external_user_id",
                        "rule": error.rule,
                        "value": error.value,
                        "code": error.code,
                    }
                ],
            ) from None

    def may_write(self) -> bool:
        """Return whether the key may record completions at all."""
        return KeyRight.WRITE in self.key.rights

    def learner_of_item(self, item: Mapping[str, Any]) -> Identity:
        """Return the learner that an item of a request names.

        Raises:
            Problem: 403, it is of an origin that the key is not for.
            InvalidIdentity: it names no learner.
        """
        origin = item.get("origin")
        if isinstance(origin, str) and origin in _ORIGINS and origin not in self.key.origins:
            raise forbidden()
        return Identity(origin, item.get("external_user_id"))  # type: ignore[arg-type]  # it checks

    def may_record(self, completion: Completion) -> bool:
        """Return True: a server may record any grain of its learners."""
        return True


@dataclass(frozen=True, slots=True)
class LearnerCaller:
    """A page with a learner token, which speaks for that learner alone."""

    token: LearnerToken

    @property
    def name(self) -> str:
        """Return the name of the caller in the access log, which does not tell which learner."""
        return "learner"

    def learner_in_url(self, right: KeyRight, origin: str, external_user_id: str) -> Identity:
        """Return the token's own learner, if the URL names them and they are only read.

        Raises:
            Problem: 403, it is another learner, or more than reading.
        """
        if right is KeyRight.READ and self._is_own(origin, external_user_id):
            return self.token.identity
        raise forbidden()

    def may_write(self) -> bool:
        """Return True: a learner token may record, within its grains."""
        return True

    def learner_of_item(self, item: Mapping[str, Any]) -> Identity:
        """Return the token's learner, whom an item of a request may name or leave out.

        Raises:
            Problem: 403, it is of somebody else.
            InvalidIdentity: it names no learner.
            InvalidCompletion: it comes with an e-mail address. A page can say any address, and of
                anybody. Only servers are believed.
        """
        if item.get("email") is not None:
            rule, code = "only with a server key", RuleCode.SERVER_KEY_ONLY
            raise InvalidCompletion("email", rule, "(not shown)", code)
        if "origin" not in item and "external_user_id" not in item:
            return self.token.identity
        me = self.token.identity
        named = Identity(
            item.get("origin", me.origin), item.get("external_user_id", me.external_user_id)
        )
        if named != me:
            raise forbidden()
        return me

    def may_record(self, completion: Completion) -> bool:
        """Return whether the token is good for the grain."""
        return self.token.allows(completion.grain_id)

    def _is_own(self, origin: str, external_user_id: str) -> bool:
        try:
            return Identity(origin, external_user_id) == self.token.identity
        except InvalidIdentity:
            return False


Caller = ServerCaller | LearnerCaller


class Authenticator:
    """Finds out who calls.

    Args:
        keys: the server keys, or None for none.
        tokens: reads learner tokens, or None to take none.
        rate_limiter: counts the requests of each caller.
    """

    def __init__(
        self, keys: KeyRing | None, tokens: Tokens | None, rate_limiter: RateLimiter
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._rate_limiter = rate_limiter

    async def authenticate(self, request: Request, text: str | None) -> Caller:
        """Return the caller whose key or token this is, and count the request.

        Args:
            request: the caller's name is noted in its scope, for the access log.
            text: the key or token, or None when there is none.

        Raises:
            Problem: 401, it proves nothing. 429, the caller asks too much.
        """
        if text and (key := self._keys.find(text) if self._keys else None):
            request.scope["bridge.caller"] = f"key:{key.id}"
            await self._rate_limiter.count_key(key.id)
            return ServerCaller(key)
        if text and (token := self._read_token(text)):
            request.scope["bridge.caller"] = "learner"
            who = token.identity
            await self._rate_limiter.count_learner(who.origin, who.external_user_id)
            return LearnerCaller(token)
        await self._rate_limiter.count_address(request)
        if text is None:
            raise Problem(401, "a server key or a learner token is needed", _challenge())
        raise Problem(
            401, "the key or token is not valid, or no longer", _challenge("invalid_token")
        )

    def _read_token(self, text: str) -> LearnerToken | None:
        if self._tokens is None or text.startswith("pb_"):
            return None
        try:
            return self._tokens.read(text)
        except InvalidToken:
            return None


def _challenge(error: str = "") -> dict[str, str]:
    """Return the header that tells how to authenticate (RFC 6750, 3)."""
    return {"WWW-Authenticate": _REALM + (f', error="{error}"' if error else "")}


async def authenticated_caller(request: Request) -> Caller:
    """Authenticate the caller of a request, which a route does first of all.

    Not by a dependency of FastAPI: to solve those took a third of the time of a request.

    Raises:
        Problem: 401, they prove nothing. 429, they ask too much.
    """
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    authenticator: Authenticator = request.app.state.authenticator
    credentials = text.strip() if scheme.lower() == "bearer" else None
    return await authenticator.authenticate(request, credentials)
