"""What Directus takes, seen with writes that it never carries out.

Directus writes an array whole or not at all, and in order. So of an array that holds a made-up row
twice, and behind it a row that no base takes, nothing is ever written; and which of them is refused
tells whether a unique constraint is there (the second) or not (the third).

The same array tells whether Directus takes ordinary rows just now. When it refuses a row, or
answers 500 to it, the row may be at fault, or the server, or a field that somebody made compulsory.
The refusal of the second row shows that the first would have been taken.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any, Final

from bridge.checks import Finding
from bridge.config import Names
from bridge.errors import StoreMisconfigured
from bridge.json_format import isoformat
from bridge.model import Origin
from bridge.stores.directus.client import DirectusClient, DirectusRefusal
from bridge.stores.directus.conflicts import NO_SUCH_PARENT, NOT_UNIQUE, Unique, clash
from bridge.stores.directus.writing import Row, attempt

_TAKEN = frozenset({NOT_UNIQUE, NO_SUCH_PARENT})
"""Refusals that come after a row was taken: of its double, or of the impossible row behind them."""

_IMPOSSIBLE: Final = frozenset(
    {
        NO_SUCH_PARENT,
        "CONTAINS_NULL_VALUES",
        "FAILED_VALIDATION",
        "INTERNAL_SERVER_ERROR",
        "NOT_NULL_VIOLATION",
        "VALUE_OUT_OF_RANGE",
        "VALUE_TOO_LONG",
    }
)
"""What the third row may be refused for."""

_AT: Final = "2000-01-01T00:00:00Z"


class Probe:
    """Asks, for each of the two collections.

    Args:
        client: the server.
        names: the data owner's names.
    """

    def __init__(self, client: DirectusClient, names: Names) -> None:
        self._client = client
        self._names = names

    def learners(self, row: Row) -> None:
        """Return when the learners' collection takes ordinary rows.

        Raises:
            StoreUnavailable: the server fails on them just now.
            StoreMisconfigured: they are refused, too.
        """
        of = self._names.learner_fields
        made_up = {
            of.origin: str(Origin.DIRECT),
            of.external_user_id: str(uuid.uuid4()),
            of.date_creation: isoformat(datetime.now(UTC)),
        }
        self._ask(self._names.learners, of.id, made_up, {of.origin: None})

    def progress(self, row: Row) -> None:
        """Return when the progress collection takes ordinary rows of the learner of ``row``.

        Raises:
            StoreUnavailable: the server fails on them just now.
            StoreMisconfigured: they are refused, too.
        """
        of = self._names.progress_fields
        made_up = {
            of.learner: row[of.learner],
            of.grain_id: f"progress-bridge-probe-{uuid.uuid4()}",
            of.module_id: None,
            of.sequence_id: None,
            of.completed_at: isoformat(datetime.now(UTC)),
        }
        self._ask(self._names.progress, of.id, made_up, {of.learner: 0})

    def _ask(self, collection: str, key: str, made_up: Row, impossible: Row) -> None:
        rows = [made_up, made_up, {**made_up, **impossible}]
        refusal = attempt(self._client, collection, key, rows)
        unique = Unique(collection, key, ())
        if refusal is not None and unique.on_key(clash(refusal)):
            raise unique.behind()
        if refusal is not None and refusal.code not in _TAKEN:
            hint = "whatever the row; is a field compulsory, does a rule or a flow refuse it?"
            raise refusal.whatever_is_asked(f"/items/{collection}", hint)


def learners_unique(client: DirectusClient, names: Names) -> Finding:
    """UNIQUE(origin, external_user_id): without it a learner may get two rows."""
    of = names.learner_fields
    row = {
        of.origin: "direct",
        of.external_user_id: f"progress-bridge-check-{uuid.uuid4()}",
        of.date_creation: _AT,
    }
    impossible = {of.origin: "x" * 300, of.external_user_id: None}
    remedy = "run sql/schema-migration-multi-origin.sql, which adds it"
    return _unique(client, names.learners, of.id, row, impossible, remedy, fatal=True)


def progress_unique(client: DirectusClient, names: Names) -> Finding:
    """UNIQUE(learner, grain): the bridge does without, but two writers may then leave two rows."""
    of = names.progress_fields
    learner = _any_learner(client, names)
    row = {
        of.learner: learner,
        of.grain_id: f"progress-bridge-check-{uuid.uuid4()}",
        of.module_id: None,
        of.sequence_id: None,
        of.completed_at: _AT,
    }
    impossible = {of.learner: -1, of.grain_id: None, of.completed_at: None}
    if learner is None:
        return _before_the_first(client, names, {**row, **impossible})
    remedy = "run sql/progress-unique.sql"
    return _unique(client, names.progress, of.id, row, impossible, remedy, fatal=False)


def _any_learner(client: DirectusClient, names: Names) -> Any:
    """The key of a learner, asked as the store asks: a proxy may refuse the method."""
    key = names.learner_fields.id
    query = {"query": {"fields": [key], "limit": 1}}
    rows = client.request("SEARCH", f"/items/{names.learners}", body=query)
    return rows[0][key] if rows else None


def _before_the_first(client: DirectusClient, names: Names, impossible: Row) -> Finding:
    """Without a learner only the right to create can be seen."""
    of, collection = names.progress_fields, names.progress
    try:
        attempt(client, collection, of.id, [impossible])
    except StoreMisconfigured:
        return _no_right(collection, impossible)
    on = f"UNIQUE({of.learner}, {of.grain_id}) on {collection}"
    return Finding(ok=True, message=f"{on}: cannot be seen before the first learner")


def _unique(
    client: DirectusClient,
    collection: str,
    key: str,
    row: Row,
    impossible: Row,
    remedy: str,
    *,
    fatal: bool,
) -> Finding:
    on = f"UNIQUE({', '.join(list(row)[:2])}) on {collection}"
    try:
        refusal = attempt(client, collection, key, [row, row, impossible])
    except StoreMisconfigured:
        return _no_right(collection, row)
    if refusal is None:
        on += ", NOT NULL and the other constraints"
    elif (of := Unique(collection, key, ())).on_key(clash(refusal)):
        message, _, remedy = str(of.behind()).partition("; ")
        return Finding(ok=False, message=message, remedy=remedy)
    elif refusal.code == NOT_UNIQUE:
        return Finding(ok=True, message=f"{on}: there")
    elif refusal.code not in _IMPOSSIBLE or refusal.field not in (None, *impossible):
        return _refused(collection, refusal)
    return Finding(ok=False, message=f"{on}: missing", remedy=remedy, fatal=fatal)


def _no_right(collection: str, row: Row) -> Finding:
    return Finding(
        ok=False,
        message=f"no right to create {collection} ({', '.join(row)})",
        remedy="run progress-bridge setup",
    )


def _refused(collection: str, refusal: DirectusRefusal) -> Finding:
    return Finding(
        ok=False,
        message=f"collection {collection} takes no rows of the bridge: {refusal}",
        remedy="see whether a field is compulsory that the bridge does not fill, or a flow or a "
        "validation rule refuses it",
    )
