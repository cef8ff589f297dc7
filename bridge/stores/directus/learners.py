"""Learners in Directus: who is which key, asked in bulk, created in bulk, and remembered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

from bridge.config import StoreSettings
from bridge.errors import StoreUnavailable
from bridge.json_format import isoformat, parse_stored_instant
from bridge.model import Identity, Learner, Origin
from bridge.stores.directus.client import DirectusClient
from bridge.stores.directus.conflicts import Clash, Unique
from bridge.stores.directus.reading import among, search
from bridge.stores.directus.writing import Row, Writer, Written, chunks, post, spread
from bridge.support.forks import ForkSafe

_LOOKS: Final = 5


@dataclass(slots=True)
class Resolved:
    """Learners' keys.

    Attributes:
        ids: by learner.
        fresh: those that were created just now: nothing can be recorded of them yet.
        refused: those that Directus refuses to create, and why.
    """

    ids: dict[Identity, int] = field(default_factory=dict)
    fresh: set[Identity] = field(default_factory=set)
    refused: dict[Identity, str] = field(default_factory=dict)

    def missing(self, wanted: Iterable[Identity]) -> list[Identity]:
        """Those of whom nothing is known yet."""
        return [who for who in wanted if who not in self.ids and who not in self.refused]


class Cache(ForkSafe):
    """The keys of the learners seen last; at most ``size`` of them. Shared by threads."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._ids: OrderedDict[Identity, int] = OrderedDict()

    def get(self, identities: Iterable[Identity]) -> dict[Identity, int]:
        """The keys of those that are remembered."""
        known = {}
        with self.lock:
            for identity in identities:
                row_id = self._ids.get(identity)
                if row_id is not None:
                    known[identity] = row_id
                    self._ids.move_to_end(identity)
        return known

    def put(self, ids: Mapping[Identity, int]) -> None:
        """Remember these, forgetting those unused for longest."""
        with self.lock:
            for identity, row_id in ids.items():
                self._ids[identity] = row_id
                self._ids.move_to_end(identity)
            while len(self._ids) > self._size:
                self._ids.popitem(last=False)

    def forget(self, identities: Iterable[Identity]) -> None:
        """These may have been erased behind our back."""
        with self.lock:
            for identity in identities:
                self._ids.pop(identity, None)


class Learners:
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
        self._name = settings.names.learners
        self._of = of = settings.names.learner_fields
        self._key_fields = (of.id, of.origin, of.external_user_id)
        self._cache = Cache(settings.learner_cache)
        self._unique = Unique(self._name, of.id, (of.origin, of.external_user_id))
        self._writer = Writer(probe, self._unique)
        self._post = post(client, self._name, self._key_fields)

    def resolve(self, emails: Mapping[Identity, str | None]) -> Resolved:
        """The key of every learner; those nobody has seen are created, with the address given."""
        resolved = Resolved(self._cache.get(emails))
        clashes: dict[Identity, Clash] = {}
        for look in range(_LOOKS):
            resolved.ids |= self.find(resolved.missing(emails))
            missing = resolved.missing(emails)
            if missing:
                clashes = self._create({who: emails[who] for who in missing}, resolved, look > 1)
            if not resolved.missing(emails):
                return resolved
        resolved.refused |= self._unique.refused(clashes, self._found)
        if resolved.missing(emails):
            raise StoreUnavailable(f"/items/{self._name}: other writers keep changing these rows")
        return resolved

    def find(self, identities: Iterable[Identity]) -> dict[Identity, int]:
        """The keys of those learners that Directus has, asked afresh."""
        found: dict[Identity, int] = {}
        for ids in spread(self._search, list(chunks(identities)), self._connections):
            found |= ids
        self._cache.put(found)
        return found

    def forget(self, identities: Iterable[Identity]) -> None:
        """These may have been erased behind our back."""
        self._cache.forget(identities)

    def erase(self, row_id: int) -> None:
        """Remove the learner's row; their progress must be gone."""
        self._client.request("DELETE", f"/items/{self._name}/{row_id}")

    def read(self, identity: Identity) -> Learner | None:
        """The learner's whole row."""
        of = self._of
        fields = (*self._key_fields, of.email, of.date_creation)
        for row in search(self._client, self._name, self._filter([identity]), fields):
            if identity in self._ids([identity], [row]):
                return Learner(
                    row[of.id], identity, row[of.email], parse_stored_instant(row[of.date_creation])
                )
        return None

    def _search(self, identities: list[Identity]) -> dict[Identity, int]:
        rows = search(self._client, self._name, self._filter(identities), self._key_fields)
        return self._ids(identities, rows)

    def _found(self, identity: Identity) -> list[bool]:
        """Of each row that Directus gives for this learner, whether it is theirs."""
        rows = search(self._client, self._name, self._filter([identity]), self._key_fields)
        return [identity in self._ids([identity], [row]) for row in rows]

    def _filter(self, identities: Iterable[Identity]) -> dict[str, Any]:
        of = self._of
        by_origin = groupby(sorted(identities, key=_origin), key=_origin)
        return {
            "_or": [
                {
                    "_and": [
                        {of.origin: {"_eq": origin}},
                        among(of.external_user_id, [who.external_user_id for who in group]),
                    ]
                }
                for origin, group in by_origin
            ]
        }

    def _create(
        self, emails: Mapping[Identity, str | None], resolved: Resolved, insist: bool
    ) -> dict[Identity, Clash]:
        """Create them; those created and refused go into ``resolved``, the clashes are given."""
        now = isoformat(datetime.now(UTC))
        rows = {identity: self._row(identity, email, now) for identity, email in emails.items()}

        def insert(chunk: list[Identity]) -> Written[Identity]:
            some = {who: rows[who] for who in chunk}
            return self._writer.write(some, self._post, insist=insist)

        shares = list(chunks(rows, lambda: max(10, -(-len(rows) // self._connections))))
        written: Written[Identity] = Written()
        for part in spread(insert, shares, self._connections):
            written.add(part)
        ids = self._ids(emails, written.rows)
        self._cache.put(ids)
        resolved.ids |= ids
        resolved.fresh |= ids.keys()
        resolved.refused |= written.refused
        return written.clashes

    def _row(self, identity: Identity, email: str | None, now: str | None) -> Row:
        of = self._of
        row: Row = {
            of.origin: str(identity.origin),
            of.external_user_id: identity.external_user_id,
            of.date_creation: now,
        }
        if self._store_email and email is not None:
            row[of.email] = email
        return row

    def _ids(self, wanted: Iterable[Identity], rows: Iterable[Row]) -> dict[Identity, int]:
        """The keys of those who are wanted; among the rows may be others."""
        of = self._of
        by_id = {(who.origin, who.external_user_id): who for who in wanted}
        found = (((row[of.origin], row[of.external_user_id]), row[of.id]) for row in rows)
        return {by_id[who]: row_id for who, row_id in found if who in by_id}


def _origin(identity: Identity) -> Origin:
    return identity.origin
