"""What was written is compared with what was meant: whose row it is, and at which instant.

A base that was emptied or restored gives known primary keys to other learners, and a column that
is no ``timestamptz`` keeps another instant than it was given. Directus's answer shows both. A row
that is not as it was meant is taken back before anything is reported. What is left: a base that is
restored within the moment between a question and the write, and a process that is killed within
the moment between that write and its being taken back.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

from bridge.config import Names
from bridge.errors import StoreMisconfigured
from bridge.json_format import isoformat, parse_instant
from bridge.model import Identity
from bridge.stores.directus.answers import DirectusRefusal
from bridge.stores.directus.client import DirectusClient
from bridge.stores.directus.methods import delete_nothing
from bridge.stores.directus.reading import among, search
from bridge.stores.directus.writing import Key, Row, WriteResult, delete, row_sender
from bridge.stores.merge import LearnerGrain

OwnerKey = tuple[str, str]
"""Origin and external id, as the base has them."""

REHEARSED_FOR: Final = 60.0
"""Seconds for which it is known that instants are kept exactly: somebody may alter the column."""

_COARSEST: Final = timedelta(seconds=1)
"""What a column of too small a precision may change an instant by. More is somebody's doing."""

_REHEARSED_AT: Final = datetime(2026, 7, 15, 12, 34, 56, 789_000, tzinfo=UTC)


class Owner:
    """The learner of a progress row, read beside the row.

    Args:
        client: the server.
        names: the data owner's names.

    Attributes:
        fields: what to ask for.
    """

    def __init__(self, client: DirectusClient, names: Names) -> None:
        self._client = client
        self._names = names
        self._learner = names.progress_fields.learner
        self._columns = columns = names.learner_fields
        parts = (columns.id, columns.origin, columns.external_user_id)
        self.fields = tuple(f"{self._learner}.{part}" for part in parts)

    def search(self, filter_: dict[str, Any], fields: Sequence[str]) -> list[Row]:
        """Return the rows of progress that the filter lets through, each with its learner.

        Args:
            filter_: as Directus takes it.
            fields: the primary key first; the learner's are asked for besides.
        """
        rows = search(self._client, self._names.progress, filter_, (*fields, *self.fields))
        return self.complete(rows)

    def complete(self, rows: list[Row]) -> list[Row]:
        """Add the learners that Directus leaves out.

        Directus 11 and 12 compare keys without regard to their types: where one column is a
        BIGINT (text) and the other an INTEGER (a number), they give null for the learner.
        """
        key, columns = self._names.progress_fields.id, self._columns
        missing = {str(row[key]): row for row in rows if row[self._learner] is None}
        if not missing:
            return rows
        wanted = {key: {"_in": [row[key] for row in missing.values()]}}
        parents = {
            str(row[key]): str(row[self._learner])
            for row in search(self._client, self._names.progress, wanted, (key, self._learner))
        }
        wanted = {columns.id: {"_in": sorted(set(parents.values()))}}
        fields = (columns.id, columns.origin, columns.external_user_id)
        found = search(self._client, self._names.learners, wanted, fields)
        learners = {str(row[columns.id]): row for row in found}
        for number, row in missing.items():
            row[self._learner] = learners.get(parents.get(number, ""))
        return rows

    def of(self, row: Row) -> OwnerKey | None:
        """Return whose row it is, or None when there is no such learner."""
        learner = row[self._learner]
        if not isinstance(learner, dict):
            return None
        return learner[self._columns.origin], learner[self._columns.external_user_id]

    def id_of(self, row: Row) -> Key | None:
        """Return the primary key of the row's learner."""
        learner = row[self._learner]
        found: Key | None = learner[self._columns.id] if isinstance(learner, dict) else learner
        return found

    def key_of(self, identity: Identity) -> OwnerKey:
        """Return what `of` gives for a row of this learner."""
        return str(identity.origin), identity.external_user_id

    def filter(self, identity: Identity) -> dict[str, Any]:
        """Return a filter for the learner's rows. It may let a few other rows through."""
        columns = self._columns
        external = among(columns.external_user_id, [identity.external_user_id])["_or"]
        return {
            "_and": [
                {self._learner: {columns.origin: {"_eq": str(identity.origin)}}},
                {"_or": [{self._learner: condition} for condition in external]},
            ]
        }


class WrittenRows:
    """Writes rows of progress, and takes back those that are not as they were meant.

    Args:
        client: the server.
        names: the data owner's names.
        owner: how to ask whose row it is.
    """

    def __init__(self, client: DirectusClient, names: Names, owner: Owner) -> None:
        self._client = client
        self._names = names
        self._columns = names.progress_fields
        self._owner = owner
        columns = self._columns
        self._fields = (columns.id, columns.grain_id, columns.completed_at)
        self._send = row_sender(client, names.progress, (*self._fields, *owner.fields))
        self._misplaced: dict[Key, Row] = {}
        self._rehearsed = float("-inf")

    def insert(self, rows: dict[LearnerGrain, Row]) -> WriteResult[LearnerGrain]:
        """Create the rows in one request, and confirm them by its answer.

        Raises:
            StoreMisconfigured: an instant is not kept as it is. Nothing stays written.
        """
        answer = self._post(rows)
        result = self._judge(rows, answer)
        if len(answer) < len(rows):  # of more than QUERY_LIMIT_MAX the first alone are given
            rest = {pair: row for pair, row in rows.items() if pair not in result.written}
            result.add(self.confirm(rest))
        return result

    def confirm(self, rows: Mapping[LearnerGrain, Row]) -> WriteResult[LearnerGrain]:
        """Read rows that were just written, and take back those of somebody else.

        Returns:
            What is not found as it was meant is not among the written: it is to be looked at again.
        """
        columns = self._columns
        learners = sorted({row[columns.learner] for row in rows.values()})
        grains = among(columns.grain_id, {grain for _, grain in rows})
        wanted = {"_and": [{columns.learner: {"_in": learners}}, grains]}
        meant = {
            # As text: a BIGINT comes as text, an INTEGER as a number, and the two may be mixed.
            (str(row[columns.learner]), row[columns.grain_id]): row
            for row in rows.values()
        }
        found = [
            row
            for row in self._owner.search(wanted, self._fields)
            if (like := meant.get((str(self._owner.id_of(row)), row[columns.grain_id])))
            and _is_same(like[columns.completed_at], row[columns.completed_at])
        ]
        return self._judge(rows, found)

    def rehearsal_is_due(self) -> bool:
        """Return whether it was not seen lately that instants are kept as they are."""
        return monotonic() - self._rehearsed >= REHEARSED_FOR

    def rehearse(self, make_learner: Callable[[], Key | None]) -> None:
        """Write a made-up row and remove it.

        A row that is replaced is gone by the time the new one turns out to be wrong. Whether rows
        can be removed is seen first.

        Args:
            make_learner: makes a learner to write it for, of whom nothing is lost should this
                process be killed meanwhile.

        Raises:
            StoreMisconfigured: an instant is not kept as it is.
        """
        columns = self._columns
        delete_nothing(self._client, self._names.progress, columns.id)
        learner_id = make_learner()
        if learner_id is None:
            return
        row: Row = {
            columns.learner: learner_id,
            columns.grain_id: f"progress-bridge-probe-{uuid.uuid4()}",
            columns.module_id: None,
            columns.sequence_id: None,
            columns.completed_at: isoformat(_REHEARSED_AT),
        }
        try:
            (written,) = self._post({row[columns.grain_id]: row})
        except DirectusRefusal:
            return  # the learner is gone, for instance: what is to be written will meet it too
        self._take_back([written])
        if not _is_same(row[columns.completed_at], written[columns.completed_at]):
            raise inexact_instant(self._names, row, written)
        self._rehearsed = monotonic()

    def undo_misplaced(self) -> None:
        """Remove rows that could not be taken back when they were written."""
        if self._misplaced:
            self._take_back([])

    def _post(self, rows: dict[Any, Row]) -> list[Row]:
        """Create the rows, and return each as Directus answers, with its learner."""
        return self._owner.complete(self._send(rows).rows)

    def _judge(
        self, rows: Mapping[LearnerGrain, Row], answer: Iterable[Row]
    ) -> WriteResult[LearnerGrain]:
        """Compare what was written with what was meant, and take back what differs."""
        columns = self._columns
        meant: dict[tuple[OwnerKey | None, str], LearnerGrain] = {
            (self._owner.key_of(who), grain): (who, grain) for who, grain in rows
        }
        result: WriteResult[LearnerGrain] = WriteResult()
        misplaced = []
        for row in answer:
            pair = meant.get((self._owner.of(row), row[columns.grain_id]))
            if pair is None:
                misplaced.append(row)
            elif _is_same(rows[pair][columns.completed_at], row[columns.completed_at]):
                result.written.add(pair)
                result.rows.append(row)
            else:
                self._take_back(answer)
                raise inexact_instant(self._names, rows[pair], row)
        if misplaced:
            result.orphaned = True
            self._take_back(misplaced)
        if any(not str(row[columns.completed_at]).endswith("000Z") for row in result.rows):
            self._rehearsed = monotonic()
        return result

    def _take_back(self, rows: Iterable[Row]) -> None:
        """Remove rows, or remember them until the server lets them be removed.

        A row of which anything differs by then is somebody else's.
        """
        key = self._columns.id
        self._misplaced |= {row[key]: row for row in rows}
        waiting = dict(self._misplaced)
        wanted = {key: {"_in": sorted(waiting)}}
        there = self._owner.search(wanted, self._fields)
        keys = [row[key] for row in there if row == waiting.get(row[key])]
        delete(self._client, self._names.progress, key, keys)
        for gone in waiting:
            self._misplaced.pop(gone, None)


def exact_instant(names: Names, row: Row) -> datetime:
    """Parse the instant of a row, as Directus gives that of a ``timestamptz``.

    Raises:
        StoreMisconfigured: it has no zone, so nobody knows which instant it is.
    """
    parsed = _parse(row[names.progress_fields.completed_at])
    if parsed is None:
        raise inexact_instant(names, None, row)
    return parsed


def inexact_instant(names: Names, meant: Row | None, found: Row) -> StoreMisconfigured:
    """Return the error that says that instants are not kept as they are, and what to do."""
    column = names.progress_fields.completed_at
    was = f"{meant[column]} comes back as" if meant else "it holds"
    instant = _parse(found[column])
    remedy = f"in the database, ALTER TABLE {names.progress} ALTER {column} TYPE timestamptz"
    if instant is None:
        remedy += f" USING {column} AT TIME ZONE '…' (the zone of the server that Directus runs on)"
    elif meant and abs(instant - parse_instant(meant[column])) >= _COARSEST:
        remedy = f"see that no trigger or flow writes to {column}"
    return StoreMisconfigured(
        f"{names.progress}.{column} does not keep instants as they are: {was} {found[column]}; "
        f"{remedy}, then run `progress-bridge setup`"
    )


def _is_same(meant: str, found: object) -> bool:
    return meant == found or _parse(found) == parse_instant(meant)


def _parse(value: object) -> datetime | None:
    """Parse an instant. What has no zone is none, since nobody knows which one it is."""
    try:
        parsed = parse_instant(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo is not None else None
