"""A completion as an outbox keeps it, and as it comes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from bridge.errors import InvalidIdentity
from bridge.model import Completion, Identity
from bridge.outbox.base import ErasureRequest, Leased
from bridge.support.nesting import load_json

UNREADABLE: Final = "this version of the bridge cannot read what was put"

_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def write(completion: Completion, *, store_email: bool) -> str:
    """The completion in writing, without the e-mail address where none is to be kept."""
    values = completion.as_dict()
    if not store_email:
        values.pop("email", None)
    return _encode(values)


def read(text: str) -> Completion | None:
    """The completion that was written; None when it is not one to this version."""
    try:
        return Completion.restore(load_json(text))
    except ValueError:
        return None


def learner(identity: Identity) -> str:
    """The learner's key, whole (``str(identity)`` is cut)."""
    return identity.origin + ":" + identity.external_user_id


def erasures(rows: Iterable[tuple[str, str, str, float, int, int]]) -> list[ErasureRequest]:
    """Rows of (origin, external user id, token, asked at, attempts, erased) as requests.

    A learner whom this version's rules refuse is left out: the request stays, for another version.
    """
    requests = []
    for origin, external_user_id, token, asked_at, attempts, erased in rows:
        with suppress(InvalidIdentity):
            who = Identity(origin, external_user_id)
            when = datetime.fromtimestamp(asked_at, UTC)
            requests.append(ErasureRequest(who, token, when, attempts, bool(erased)))
    return requests


def learner_of(text: str) -> str:
    """The learner's key of a completion in writing; empty when it holds none."""
    try:
        values = load_json(text)
        return f"{values['origin']}:{values['external_user_id']}"
    except (ValueError, KeyError, TypeError):
        return ""


def give(text: str, identity: Identity) -> str:
    """The completion in writing, as another learner's."""
    return _encode(load_json(text) | identity.as_dict())


def leased(
    rows: Iterable[tuple[str, int, Completion | None]], bury: Callable[[str, str, str], object]
) -> list[Leased]:
    """Rows of (id, attempts, completion) as items; the unreadable are buried (id, token, reason).

    The number of attempts is the token: it grows with every lease of the item, so what proves one
    lease proves no other.
    """
    items = []
    for key, attempts, completion in rows:
        if completion is None:
            bury(key, str(attempts), UNREADABLE)
        else:
            items.append(Leased(key, str(attempts), completion, attempts))
    return items
