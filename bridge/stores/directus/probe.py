"""What Directus takes, seen with an array of rows that it cannot write.

Directus writes an array whole or not at all, and in order. So of an array that holds a made-up row
twice, and behind it a row that no base takes, nothing is written. Which of them is refused tells
whether a unique constraint is there (the second) or not (the third): `learners_constraint` and
`progress_constraint` read that, for `progress-bridge check`.

The same array tells whether Directus takes ordinary rows just now, which `Probe` reads. When it
refuses a row, or answers 500 to it, the row may be at fault, or the server, or a field that
somebody made compulsory. The refusal of the second row shows that the first would have been taken.

A base without any constraint takes all three rows. They are then removed by their primary keys.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any, Final

from bridge.checks import Finding
from bridge.config import Names
from bridge.json_format import isoformat
from bridge.model import Origin
from bridge.stores.directus.answers import DirectusRefusal, Forbidden
from bridge.stores.directus.client import DirectusClient
from bridge.stores.directus.conflicts import (
    NO_SUCH_PARENT,
    NOT_UNIQUE,
    UniqueColumns,
    as_conflict,
)
from bridge.stores.directus.writing import Row

_FIRST_ROW_TAKEN: Final = frozenset({NOT_UNIQUE, NO_SUCH_PARENT})
"""Refusals that come after a row was taken: of its double, or of the impossible row behind them."""

_IMPOSSIBLE_ROW_REFUSED: Final = frozenset(
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

_LONG_AGO: Final = "2000-01-01T00:00:00Z"


class Probe:
    """Makes sure that the two collections take ordinary rows just now.

    Args:
        client: the server.
        names: the data owner's names.
    """

    def __init__(self, client: DirectusClient, names: Names) -> None:
        self._client = client
        self._names = names

    def check_learners(self, row: Row) -> None:
        """Check that the learners' collection takes ordinary rows.

        Args:
            row: the one that was refused. It is not looked at.

        Raises:
            StoreUnavailable: the server fails on ordinary rows just now.
            StoreMisconfigured: ordinary rows are refused, too.
        """
        columns = self._names.learner_fields
        made_up = {
            columns.origin: str(Origin.DIRECT),
            columns.external_user_id: str(uuid.uuid4()),
            columns.date_creation: isoformat(datetime.now(UTC)),
        }
        unique = UniqueColumns.of_learners(self._names)
        self._check(unique, made_up, {columns.origin: None})

    def check_progress(self, row: Row) -> None:
        """Check that the progress collection takes ordinary rows of the learner of ``row``.

        Args:
            row: the one that was refused.

        Raises:
            StoreUnavailable: the server fails on ordinary rows just now.
            StoreMisconfigured: ordinary rows are refused, too.
        """
        columns = self._names.progress_fields
        made_up = {
            columns.learner: row[columns.learner],
            columns.grain_id: f"progress-bridge-probe-{uuid.uuid4()}",
            columns.module_id: None,
            columns.sequence_id: None,
            columns.completed_at: isoformat(datetime.now(UTC)),
        }
        unique = UniqueColumns.of_progress(self._names)
        self._check(unique, made_up, {columns.learner: 0})

    def _check(self, unique: UniqueColumns, made_up: Row, impossible: Row) -> None:
        refusal = _send_unwritable(self._client, unique, made_up, impossible)
        if unique.is_primary_key(as_conflict(refusal)):
            raise unique.sequence_behind()
        if refusal is not None and refusal.code not in _FIRST_ROW_TAKEN:
            hint = "whatever the row; is a field compulsory, does a rule or a flow refuse it?"
            raise refusal.as_store_error(f"/items/{unique.collection}", hint)


def learners_constraint(client: DirectusClient, names: Names) -> Finding:
    """Tell whether UNIQUE(origin, external_user_id) is there.

    Without it a learner may get two rows.
    """
    columns = names.learner_fields
    made_up = {
        columns.origin: str(Origin.DIRECT),
        columns.external_user_id: f"progress-bridge-check-{uuid.uuid4()}",
        columns.date_creation: _LONG_AGO,
    }
    impossible = {columns.origin: "x" * 300, columns.external_user_id: None}
    remedy = "run sql/schema-migration-multi-origin.sql, which adds it"
    unique = UniqueColumns.of_learners(names)
    return _constraint(client, unique, made_up, impossible, remedy, fatal=True)


def progress_constraint(client: DirectusClient, names: Names) -> Finding:
    """Tell whether UNIQUE(learner, grain) is there.

    The bridge does without it, but two writers may then leave two rows.
    """
    columns = names.progress_fields
    learner = _any_learner(client, names)
    made_up = {
        columns.learner: learner,
        columns.grain_id: f"progress-bridge-check-{uuid.uuid4()}",
        columns.module_id: None,
        columns.sequence_id: None,
        columns.completed_at: _LONG_AGO,
    }
    impossible = {columns.learner: -1, columns.grain_id: None, columns.completed_at: None}
    unique = UniqueColumns.of_progress(names)
    if learner is None:
        return _right_to_create(client, unique, {**made_up, **impossible})
    remedy = "run sql/progress-unique.sql"
    return _constraint(client, unique, made_up, impossible, remedy, fatal=False)


def _send_unwritable(
    client: DirectusClient, unique: UniqueColumns, made_up: Row, impossible: Row
) -> DirectusRefusal | None:
    """Send the made-up row twice and the impossible one behind it, in one array.

    Args:
        client: the server.
        unique: of the collection.
        made_up: an ordinary row, of nobody.
        impossible: the columns in which the third row differs, with values that no base takes.

    Returns:
        Why Directus refuses the array. None when the base, without any constraint, took it: the
        rows are removed then.

    Raises:
        StoreUnavailable, StoreMisconfigured: as in `DirectusClient.request`. Like a
            `DirectusRefusal` they may also mean that rows were taken and cannot be removed.
    """
    path, key = f"/items/{unique.collection}", unique.primary_key
    rows = [made_up, made_up, {**made_up, **impossible}]
    try:
        answer = client.request("POST", path, params={"fields": key}, body=rows)
    except DirectusRefusal as refusal:
        return refusal
    taken = [row[key] for row in answer or [] if isinstance(row, dict) and key in row]
    if taken:
        client.request("DELETE", path, body=taken)
    return None


def _any_learner(client: DirectusClient, names: Names) -> Any:
    """Return the primary key of some learner, or None when there is none.

    It is asked for as the store asks: a proxy may refuse the method.
    """
    key = names.learner_fields.id
    query = {"query": {"fields": [key], "limit": 1}}
    rows = client.request("SEARCH", f"/items/{names.learners}", body=query)
    return rows[0][key] if rows else None


def _right_to_create(client: DirectusClient, unique: UniqueColumns, impossible: Row) -> Finding:
    """Tell whether the token may create rows: without a learner no more can be seen."""
    try:
        _send_unwritable(client, unique, impossible, {})
    except Forbidden:
        return _no_right(unique.collection, impossible)
    on = f"UNIQUE({', '.join(unique.columns)}) on {unique.collection}"
    return Finding(ok=True, message=f"{on}: cannot be seen before the first learner")


def _constraint(
    client: DirectusClient,
    unique: UniqueColumns,
    made_up: Row,
    impossible: Row,
    remedy: str,
    *,
    fatal: bool,
) -> Finding:
    on = f"UNIQUE({', '.join(unique.columns)}) on {unique.collection}"
    try:
        refusal = _send_unwritable(client, unique, made_up, impossible)
    except Forbidden:
        return _no_right(unique.collection, made_up)
    if refusal is None:
        on += ", NOT NULL and the other constraints"
    elif unique.is_primary_key(as_conflict(refusal)):
        message, _, remedy = str(unique.sequence_behind()).partition("; ")
        return Finding(ok=False, message=message, remedy=remedy)
    elif refusal.code == NOT_UNIQUE:
        return Finding(ok=True, message=f"{on}: there")
    elif refusal.code not in _IMPOSSIBLE_ROW_REFUSED or refusal.field not in (None, *impossible):
        return _refused(unique.collection, refusal)
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
