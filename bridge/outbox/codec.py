"""How an outbox writes completions, and reads them and its other rows."""

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

_to_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode(completion: Completion, *, store_email: bool) -> str:
    """Write the completion as JSON, without the e-mail address where none is to be kept."""
    values = completion.as_dict()
    if not store_email:
        values.pop("email", None)
    return _to_json(values)


def decode(text: str) -> Completion | None:
    """Return the completion that `encode` wrote, or None when this version cannot read it."""
    try:
        return Completion.restore(load_json(text))
    except ValueError:
        return None


def learner_key(identity: Identity) -> str:
    """Return the text that names the learner, whole (``str(identity)`` is cut)."""
    return identity.origin + ":" + identity.external_user_id


def erasure_requests(
    rows: Iterable[tuple[str, str, str, float, int, int]],
) -> list[ErasureRequest]:
    """Make requests of rows (origin, external user id, token, asked at, attempts, erased).

    A learner whom this version's rules refuse is left out: the request stays, for another version.
    """
    requests = []
    for origin, external_user_id, token, asked_at, attempts, erased in rows:
        with suppress(InvalidIdentity):
            identity = Identity(origin, external_user_id)
            when = datetime.fromtimestamp(asked_at, UTC)
            requests.append(ErasureRequest(identity, token, when, attempts, bool(erased)))
    return requests


def learner_key_of(text: str) -> str:
    """Return the `learner_key` of a completion that `encode` wrote, empty when it holds none."""
    try:
        values = load_json(text)
        return f"{values['origin']}:{values['external_user_id']}"
    except (ValueError, KeyError, TypeError):
        return ""


def reassign(text: str, identity: Identity) -> str:
    """Write a completion that `encode` wrote as another learner's."""
    return _to_json(load_json(text) | identity.as_dict())


def leased_items(
    rows: Iterable[tuple[str, int, Completion | None]], bury: Callable[[str, str, str], object]
) -> list[Leased]:
    """Make items of rows (id, attempts, completion), and bury those that cannot be read.

    The number of attempts is the token: it grows with every lease of the item, so what proves one
    lease proves no other.

    Args:
        rows: of what has just been leased. The completion is None where it cannot be read.
        bury: called with id, token and reason.
    """
    items = []
    for key, attempts, completion in rows:
        if completion is None:
            bury(key, str(attempts), UNREADABLE)
        else:
            items.append(Leased(key, str(attempts), completion, attempts))
    return items
