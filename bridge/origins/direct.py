"""The direct site: guests that a signed cookie knows, accounts, and the way from one to the other.

Knows no web framework: it reads the text of a cookie, and gives the arguments of ``set_cookie`` as
Flask, Django and Starlette name them. Who is signed in, the site knows; it is never asked here.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from typing import Any, Final, Protocol, Self

from bridge.config import Settings
from bridge.errors import BridgeError, ConfigurationError, StoreUnavailable
from bridge.model import Completion, Identity, Origin, Progress
from bridge.outbox import Outbox
from bridge.stores import Store
from bridge.support.extras import needs
from bridge.support.polling import poll_until
from bridge.tokens import LEEWAY, LONGEST_LIFETIME

with needs("direct"):
    from itsdangerous import BadSignature, TimestampSigner

LIFETIME: Final = int(LONGEST_LIFETIME)
"""Seconds from the first visit to the end of a guest's cookie."""

PATIENCE: Final = 5.0
"""Seconds that a claim waits for a deliverer that is recording the guest's progress right then."""

_SALT: Final = "progress-bridge.guest"  # a launch token signed with the same key is no guest's


class NoGuest(BridgeError):
    """The cookie proves no guest, so there is nothing to claim."""


class Recorder(Protocol):
    """The part of `Bridge` that matters here."""

    store: Store
    outbox: Outbox | None


@dataclass(frozen=True, slots=True)
class Guest:
    """A visitor who has no account, or has not said so.

    Attributes:
        identity: under which their progress is recorded.
        issued_at: their first visit, aware, UTC, to the second.
        proof: the cookie's text: whoever shows it is this guest.
        new: whether the visitor does not have the cookie yet.
    """

    identity: Identity
    issued_at: datetime
    proof: str = field(repr=False)
    new: bool = False


def account(site: str, account_id: int | str) -> Identity:
    """The identity of an account that the site knows by a number or a name, not by a UUID.

    It is UUID version 5 (RFC 9562) of both: the same ever after, on every machine, and nothing has
    to be stored. There is no secret in it, on purpose: a key would have to be kept for ever,
    since with another one every learner would become somebody else. So it hides nothing (who
    knows the site can work out the UUID of account 42), and it is no proof of anything: as
    everywhere, it is the session or a token that proves who somebody is.

    Args:
        site: the site's name or address, not empty. Never change it.
        account_id: what never changes of the account; 42 and ``"42"`` are the same.

    Raises:
        ValueError: one of them is empty.
    """
    if not site.strip() or not str(account_id).strip():
        raise ValueError("a site and the id of an account")
    of_site = uuid.uuid5(uuid.NAMESPACE_URL, site.strip())
    return Identity(Origin.DIRECT, uuid.uuid5(of_site, str(account_id).strip()))


class Guests:
    """Reads and issues the cookies of guests.

    Args:
        keys: at least 32 bytes each. The first signs, all are accepted: that is how they are
            rotated. Whose key is gone is a new guest, so keep an old one for 13 months.
        secure: whether the cookie is for HTTPS alone. False is for trying things out only.

    Raises:
        ConfigurationError: no key, or one that is too short.
    """

    def __init__(self, keys: Sequence[str], *, secure: bool = True) -> None:
        if not keys or any(len(key.encode()) < 32 for key in keys):
            raise ConfigurationError("guests: one key or more, of at least 32 bytes each")
        self._secure = secure
        self._signer = TimestampSigner(
            list(reversed(keys)),  # the last one signs
            salt=_SALT,
            key_derivation="hmac",
            digest_method=hashlib.sha256,
        )

    @classmethod
    def from_settings(cls, settings: Settings, *, secure: bool = True) -> Self:
        """With the keys of the section ``tokens`` that are for direct learners.

        Raises:
            ConfigurationError: there is none.
        """
        keys = settings.tokens.keys_for(Origin.DIRECT) if settings.tokens else ()
        if not keys:
            raise ConfigurationError("tokens.keys: none for direct; they sign guests' cookies")
        return cls([key.secret.reveal() for key in keys], secure=secure)

    @property
    def cookie_name(self) -> str:
        """``__Host-``: browsers take it from this very host alone, over HTTPS, for all of it."""
        return "__Host-progress-guest" if self._secure else "progress-guest"

    def guest(self, proof: str | None) -> Guest:
        """The guest whose cookie this is; a new one when it is none, expired, or not ours.

        Args:
            proof: the cookie's text, None when the visitor has none.
        """
        return self.read(proof) or self.new()

    def read(self, proof: str | None) -> Guest | None:
        """The guest whose cookie this is, None when it proves none."""
        try:
            value, issued_at = self._signer.unsign(proof or "", return_timestamp=True)
            age = (datetime.now(UTC) - issued_at).total_seconds()
            if not -LEEWAY <= age <= LIFETIME:
                return None
            return Guest(Identity(Origin.DIRECT, value.decode()), issued_at, proof or "")
        except (BadSignature, ValueError):
            return None

    def new(self) -> Guest:
        """A guest whom nobody has seen: after a claim, and when somebody signs out."""
        identity = Identity(Origin.DIRECT, uuid.uuid4())
        now = datetime.now(UTC).replace(microsecond=0)
        return Guest(identity, now, self._signer.sign(identity.external_user_id).decode(), new=True)

    def cookie(self, guest: Guest) -> dict[str, Any]:
        """The cookie, as arguments of ``response.set_cookie``. Set it where the guest is ``new``.

        It ends 13 months after the first visit, however often the guest comes back.
        """
        left = LIFETIME - (datetime.now(UTC) - guest.issued_at).total_seconds()
        return {
            "key": self.cookie_name,
            "value": guest.proof,
            "max_age": max(0, int(left)),
            "path": "/",
            "secure": self._secure,
            "httponly": True,
            "samesite": "Lax",
        }

    def header(self, guest: Guest) -> str:
        """The cookie, as the value of a ``Set-Cookie`` header."""
        arguments = self.cookie(guest)
        cookie: SimpleCookie = SimpleCookie({arguments.pop("key"): arguments.pop("value")})
        (morsel,) = cookie.values()
        morsel.update({name.replace("_", "-"): value for name, value in arguments.items()})
        return morsel.OutputString()

    def claim(
        self,
        bridge: Recorder,
        proof: str | None,
        account: Identity,
        *,
        patience: float = PATIENCE,
    ) -> Guest:
        """Make the guest's progress the account's, earliest wins, and leave the guest empty.

        Only because the learner asked for it, never on signing in: the guest of a shared computer
        may be somebody else. An account's progress cannot be claimed: only what is signed here is a
        guest's. To claim again does no harm. While it runs, what another page records as this same
        guest may come too late, and stay with the guest; what is recorded in the very instant
        between the last look and the erasure is erased with the rest.

        Args:
            bridge: where progress is recorded, and waits.
            proof: the guest's cookie.
            account: who is signed in, from the site's own session; never from the page.
            patience: seconds to wait for a deliverer that is recording the guest's progress.

        Returns:
            A new guest: set their cookie, so that nobody goes on as the one that was claimed.

        Raises:
            NoGuest: the cookie proves no guest.
            ValueError: the account is of another origin, or the guest itself.
            StoreUnavailable, StoreMisconfigured, OutboxUnavailable, CompletionRejected: it is not
                done (to the end), and nothing is lost: leave the cookie and claim again.
        """
        guest = self.read(proof)
        if guest is None:
            raise NoGuest("the cookie is missing, expired, or was not signed with our keys")
        if account.origin is not Origin.DIRECT or account == guest.identity:
            raise ValueError("an account of the direct site, which is no guest")
        late = StoreUnavailable("the guest's progress is being recorded", retry_after=1.0)
        for _ in poll_until(patience, late):
            if _moved(bridge, guest.identity, account):
                break
        return self.new()


def _moved(bridge: Recorder, guest: Identity, account: Identity) -> bool:
    """Move what there is; whether nothing was left in the end.

    First recorded for the account, then erased from the guest: should it be cut off in between,
    both have it. What a deliverer holds is left until it has recorded it: taken away from it now,
    it would come back under the guest. Nothing is erased but what a second look, right before,
    finds unchanged: recording takes its time, and other pages go on meanwhile.
    """
    recorded: list[Progress] = []
    while True:
        held = bridge.outbox.move(guest, account) if bridge.outbox else 0
        rows = bridge.store.progress(guest)
        if rows != recorded:
            _record(bridge.store, account, rows)
        if held:
            return False
        if rows == recorded:
            bridge.store.erase(guest)
            if not rows:
                return True
            rows = []
        recorded = rows


def _record(store: Store, account: Identity, rows: Sequence[Progress]) -> None:
    completions = [
        Completion(
            account,
            row.grain_id,
            row.module_id,
            row.sequence_id,
            row.completed_at,  # type: ignore[arg-type]  # None is now
        )
        for row in rows
    ]
    for outcome in store.record(completions) if completions else ():
        outcome.confirmed()
