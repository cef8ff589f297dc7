"""Learners in Directus: who has which primary key, asked in bulk, created in bulk, remembered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

from bridge.config import StoreSettings
from bridge.errors import StoreMisconfigured, StoreUnavailable
from bridge.json_format import isoformat, parse_stored_instant
from bridge.model import Identity, Learner, Origin
from bridge.stores.directus.client import DirectusClient
from bridge.stores.directus.conflicts import RowConflict, UniqueColumns
from bridge.stores.directus.reading import among, search
from bridge.stores.directus.writing import (
    Key,
    Row,
    Writer,
    WriteResult,
    chunks,
    delete,
    map_concurrently,
    row_sender,
)
from bridge.support.forks import ForkSafe

MAX_ATTEMPTS: Final = 5
"""How often learners are looked up again because other writers came first."""


@dataclass(slots=True)
class LearnerIds:
    """The primary keys of a batch's learners, and what is known of those who have none.

    Attributes:
        ids: by learner.
        fresh: those that were created just now: nothing can be recorded of them yet.
        refused: those that Directus refuses to create, and why.
    """

    ids: dict[Identity, Key] = field(default_factory=dict)
    fresh: set[Identity] = field(default_factory=set)
    refused: dict[Identity, str] = field(default_factory=dict)

    def missing(self, wanted: Iterable[Identity]) -> list[Identity]:
        """Return those learners of whom nothing is known yet."""
        return [who for who in wanted if who not in self.ids and who not in self.refused]


class LearnerCache(ForkSafe):
    """The primary keys of the learners seen last, at most ``size`` of them. Shared by threads."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._ids: OrderedDict[Identity, Key] = OrderedDict()

    def get(self, identities: Iterable[Identity]) -> dict[Identity, Key]:
        """Return the primary keys of those learners that are remembered."""
        known: dict[Identity, Key] = {}
        with self.lock:
            for identity in identities:
                learner_id = self._ids.get(identity)
                if learner_id is not None:
                    known[identity] = learner_id
                    self._ids.move_to_end(identity)
        return known

    def put(self, ids: Mapping[Identity, Key]) -> None:
        """Remember these learners, forgetting those unused for longest."""
        with self.lock:
            for identity, learner_id in ids.items():
                self._ids[identity] = learner_id
                self._ids.move_to_end(identity)
            while len(self._ids) > self._size:
                self._ids.popitem(last=False)

    def clear(self) -> None:
        """Forget everybody."""
        with self.lock:
            self._ids.clear()

    def forget(self, identities: Iterable[Identity]) -> None:
        """Forget these learners, who may have been erased by another writer."""
        with self.lock:
            for identity in identities:
                self._ids.pop(identity, None)


class LearnerRows:
    """The learners' collection.

    Args:
        client: the server.
        settings: names, number of connections, size of the cache.
        store_email: keep the learners' e-mail addresses.
        probe: see `Writer`.
    """

    def __init__(
        self,
        client: DirectusClient,
        settings: StoreSettings,
        *,
        store_email: bool,
        probe: Callable[[Row], None],
    ) -> None:
        self._client = client
        self._connections = settings.connections
        self._store_email = store_email
        self._collection = settings.names.learners
        self._columns = columns = settings.names.learner_fields
        self._fields = (columns.id, columns.origin, columns.external_user_id)
        self._cache = LearnerCache(settings.learner_cache)
        self._unique = UniqueColumns.of_learners(settings.names)
        self._writer = Writer(probe, self._unique)
        self._send = row_sender(client, self._collection, self._fields)

    def resolve(self, emails: Mapping[Identity, str | None]) -> LearnerIds:
        """Find the primary key of every learner, creating those nobody has seen.

        Args:
            emails: the learners, each with the address to create them with.

        Raises:
            StoreUnavailable: other writers keep coming first.
            StoreMisconfigured: the learners' collection takes no rows.
        """
        remembered = self._cache.get(emails)
        if remembered and not self._hold(remembered):
            self._cache.clear()
            remembered = {}
        resolved = LearnerIds(remembered)
        conflicts: dict[Identity, RowConflict] = {}
        for attempt in range(MAX_ATTEMPTS):
            resolved.ids |= self.find(resolved.missing(emails))
            missing = {who: emails[who] for who in resolved.missing(emails)}
            if missing:
                conflicts = self._create(missing, resolved, isolate_conflicts=attempt > 1)
            if not resolved.missing(emails):
                return resolved
        resolved.refused |= self._unique.refused(conflicts, self._found)
        if resolved.missing(emails):
            raise StoreUnavailable(
                f"/items/{self._collection}: other writers keep changing these rows"
            )
        return resolved

    def find(self, identities: Iterable[Identity]) -> dict[Identity, Key]:
        """Ask Directus for the primary keys of those learners that it has."""
        found: dict[Identity, Key] = {}
        for ids in map_concurrently(self._search, list(chunks(identities)), self._connections):
            found |= ids
        self._cache.put(found)
        return found

    def forget(self, identities: Iterable[Identity]) -> None:
        """Forget the primary keys of these learners, who may have been erased by another writer."""
        self._cache.forget(identities)

    def erase(self, identity: Identity, ids: Sequence[Key]) -> None:
        """Remove the learner's row, once their progress is gone.

        Args:
            identity: whose row it has to be when it is removed.
            ids: the primary keys that they have.

        Raises:
            DirectusRefusal: something still refers to the row.
        """
        delete(self._client, self._collection, self._columns.id, ids, self._filter([identity]))

    def read(self, identity: Identity) -> Learner | None:
        """Read the learner's whole row."""
        columns = self._columns
        fields = (*self._fields, columns.email, columns.date_creation)
        for row in search(self._client, self._collection, self._filter([identity]), fields):
            if identity in self._ids([identity], [row]):
                created_at = parse_stored_instant(row[columns.date_creation])
                return Learner(int(row[columns.id]), identity, row[columns.email], created_at)
        return None

    def _hold(self, ids: Mapping[Identity, Key]) -> bool:
        """Return whether the newest of these primary keys is still that learner's.

        A base that was emptied or restored gives keys anew from some number on, so that it is the
        newest that is another's, or nobody's. Each write is confirmed all the same: asking first
        keeps what a process that is killed could not take back from being written at all.
        """
        newest = max(ids, key=lambda who: int(ids[who]))
        wanted = {self._columns.id: {"_eq": ids[newest]}}
        rows = search(self._client, self._collection, wanted, self._fields)
        return self._ids([newest], rows) == {newest: ids[newest]}

    def _search(self, identities: list[Identity]) -> dict[Identity, Key]:
        rows = search(self._client, self._collection, self._filter(identities), self._fields)
        return self._ids(identities, rows)

    def _found(self, identity: Identity) -> list[bool]:
        """Return, for each row that Directus gives for this learner, whether it is theirs."""
        rows = search(self._client, self._collection, self._filter([identity]), self._fields)
        return [identity in self._ids([identity], [row]) for row in rows]

    def _filter(self, identities: Iterable[Identity]) -> dict[str, Any]:
        columns = self._columns
        by_origin = groupby(sorted(identities, key=_origin), key=_origin)
        return {
            "_or": [
                {
                    "_and": [
                        {columns.origin: {"_eq": origin}},
                        among(columns.external_user_id, [who.external_user_id for who in group]),
                    ]
                }
                for origin, group in by_origin
            ]
        }

    def _create(
        self,
        emails: Mapping[Identity, str | None],
        resolved: LearnerIds,
        *,
        isolate_conflicts: bool,
    ) -> dict[Identity, RowConflict]:
        """Create the learners, and note in ``resolved`` those created and those refused.

        Returns:
            The conflicts met, by learner.
        """
        now = isoformat(datetime.now(UTC))
        rows = {identity: self._row(identity, email, now) for identity, email in emails.items()}

        def insert(chunk: list[Identity]) -> WriteResult[Identity]:
            some = {who: rows[who] for who in chunk}
            return self._writer.write(some, self._send, isolate_conflicts=isolate_conflicts)

        shares = list(chunks(rows, lambda: max(10, -(-len(rows) // self._connections))))
        result: WriteResult[Identity] = WriteResult()
        for share in map_concurrently(insert, shares, self._connections):
            result.add(share)
        ids = self._ids(emails, result.rows)
        self._cache.put(ids)
        resolved.ids |= ids
        resolved.fresh |= ids.keys()
        resolved.refused |= result.refused
        return result.conflicts

    def _row(self, identity: Identity, email: str | None, now: str | None) -> Row:
        columns = self._columns
        row: Row = {
            columns.origin: str(identity.origin),
            columns.external_user_id: identity.external_user_id,
            columns.date_creation: now,
        }
        if self._store_email and email is not None:
            row[columns.email] = email
        return row

    def _ids(self, wanted: Iterable[Identity], rows: Iterable[Row]) -> dict[Identity, Key]:
        """Return the primary keys of those who are wanted. Among the rows may be others.

        Raises:
            StoreMisconfigured: the keys are no integers, which `Learner.id` is.
        """
        columns = self._columns
        by_id = {(who.origin, who.external_user_id): who for who in wanted}
        found = (
            ((row[columns.origin], row[columns.external_user_id]), row[columns.id]) for row in rows
        )
        ids = {by_id[who]: learner_id for who, learner_id in found if who in by_id}
        if not all(str(learner_id).isdecimal() for learner_id in ids.values()):
            raise StoreMisconfigured(
                f"{self._collection}.{columns.id} is no integer; the bridge needs learners whose "
                "primary key is one: make the table with sql/schema-multi-origin.sql"
            )
        return ids


def _origin(identity: Identity) -> Origin:
    return identity.origin
