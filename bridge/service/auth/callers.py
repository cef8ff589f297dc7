"""Who calls, and what they may do: server keys and learner tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request

from bridge.errors import InvalidCompletion, InvalidIdentity, InvalidToken, RuleCode
from bridge.model import Completion, Identity, Origin
from bridge.service.auth.keys import KeyRing, Right, ServerKey
from bridge.service.auth.rate_limits import Limits
from bridge.service.http.problems import Problem, forbidden
from bridge.tokens import LearnerToken, Tokens

_ORIGINS: Final = frozenset(str(origin) for origin in Origin)
_REALM: Final = 'Bearer realm="progress-bridge"'


@dataclass(frozen=True, slots=True)
class Server:
    """Another server, which speaks for all learners of its key's origins."""

    key: ServerKey

    @property
    def name(self) -> str:
        """For the access log."""
        return f"key:{self.key.id}"

    def learner(self, right: Right, origin: str, external_user_id: str) -> Identity:
        """The learner that the URL names.

        Raises:
            Problem: 403, or 422 with the rule that the id breaks.
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
        """Whether the caller may record anything."""
        return Right.WRITE in self.key.rights

    def identity(self, item: Mapping[str, Any]) -> Identity:
        """The learner that a completion is of.

        Raises:
            Problem: 403, it is of an origin that the key is not for.
            InvalidIdentity: it names no learner.
        """
        origin = item.get("origin")
        if isinstance(origin, str) and origin in _ORIGINS and origin not in self.key.origins:
            raise forbidden()
        return Identity(origin, item.get("external_user_id"))  # type: ignore[arg-type]  # it checks

    def may_record(self, completion: Completion) -> bool:
        """Whether the caller may record this of its learner: whatever it says."""
        return True


@dataclass(frozen=True, slots=True)
class Learner:
    """A page that one learner looks at; it speaks for that learner alone."""

    token: LearnerToken

    @property
    def name(self) -> str:
        """For the access log: not which learner."""
        return "learner"

    def learner(self, right: Right, origin: str, external_user_id: str) -> Identity:
        """The learner that the URL names, when it is the token's own, to be read.

        Raises:
            Problem: 403.
        """
        if right is Right.READ and self._is_me(origin, external_user_id):
            return self.token.identity
        raise forbidden()

    def may_write(self) -> bool:
        """Whether the caller may record anything."""
        return True

    def identity(self, item: Mapping[str, Any]) -> Identity:
        """The token's learner, whom a completion may name or leave out.

        Raises:
            Problem: 403, it is of somebody else.
            InvalidIdentity: it names no learner.
            InvalidCompletion: it comes with an e-mail address: a page can say any, and of
                anybody; servers are believed.
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
        """Whether the token is good for the grain."""
        return self.token.allows(completion.grain_id)

    def _is_me(self, origin: str, external_user_id: str) -> bool:
        try:
            return Identity(origin, external_user_id) == self.token.identity
        except InvalidIdentity:
            return False


Caller = Server | Learner


class Door:
    """Finds out who calls.

    Args:
        keys: the server keys; None for none.
        tokens: reads learner tokens; None to take none.
        limits: counts what each of them asks.
    """

    def __init__(self, keys: KeyRing | None, tokens: Tokens | None, limits: Limits) -> None:
        self._keys = keys
        self._tokens = tokens
        self._limits = limits

    async def admit(self, request: Request, text: str | None) -> Caller:
        """The caller with this key or token.

        Raises:
            Problem: 401, it proves nothing; 429, they ask too much.
        """
        if text and (key := self._keys.find(text) if self._keys else None):
            request.scope["bridge.caller"] = f"key:{key.id}"
            await self._limits.key(key.id)
            return Server(key)
        if text and (token := self._read(text)):
            request.scope["bridge.caller"] = "learner"
            who = token.identity
            await self._limits.learner(who.origin, who.external_user_id)
            return Learner(token)
        await self._limits.address(request)
        if text is None:
            raise Problem(401, "a server key or a learner token is needed", _challenge())
        raise Problem(
            401, "the key or token is not valid, or no longer", _challenge("invalid_token")
        )

    def _read(self, text: str) -> LearnerToken | None:
        if self._tokens is None or text.startswith("pb_"):
            return None
        try:
            return self._tokens.read(text)
        except InvalidToken:
            return None


def _challenge(error: str = "") -> dict[str, str]:
    """How to do better (RFC 6750, 3)."""
    return {"WWW-Authenticate": _REALM + (f', error="{error}"' if error else "")}


async def calling(request: Request) -> Caller:
    """Who calls; a route asks first of all.

    Not by a dependency of FastAPI: to solve those took a third of the time of a request.

    Raises:
        Problem: 401, they prove nothing; 429, they ask too much.
    """
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    door: Door = request.app.state.door
    return await door.admit(request, text.strip() if scheme.lower() == "bearer" else None)
