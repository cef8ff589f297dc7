"""The progress collection in Directus: read for a batch, insert, and replace by what is earlier."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Collection as Container
from typing import Final

from bridge.config import StoreSettings
from bridge.errors import StoreMisconfigured
from bridge.json_format import isoformat, parse_stored_instant
from bridge.model import Identity, Progress
from bridge.stores.directus.client import TOO_LARGE, DirectusClient, DirectusRefusal
from bridge.stores.directus.conflicts import NOT_UNIQUE, Clash, Unique
from bridge.stores.directus.reading import among, search
from bridge.stores.directus.writing import MAX_ROWS, Row, Writer, Written, post
from bridge.stores.merge import Key, earliest

MAX_CELLS: Final = 5_000
"""Learners times grains in one question: it may give as many rows."""

Held = dict[Key, tuple[int, Progress]]


class ProgressRows:
    """The progress collection.

    Args:
        client: the server.
        settings: the data owner's names.
        probe: see `Writer`.
    """

    def __init__(
        self, client: DirectusClient, settings: StoreSettings, probe: Callable[[Row], None]
    ) -> None:
        self._client = client
        self._names = names = settings.names
        self._of = of = names.progress_fields
        self._unique = Unique(names.progress, of.id, (of.learner, of.grain_id))
        self._writer = Writer(probe, self._unique)
        self._post = post(client, names.progress, [of.id])
        self._fields = (
            of.id,
            of.grain_id,
            of.module_id,
            of.sequence_id,
            of.completed_at,
            of.learner,
        )

    def read(self, keys: Container[Key], ids: Mapping[Identity, int]) -> Held:
        """What is recorded of these rows already (and of others that share their ids)."""
        if not keys:
            return {}
        of = self._of
        identities = {ids[identity]: identity for identity, _ in keys}
        learners = {of.learner: {"_in": sorted(identities)}}
        wanted = {"_and": [learners, among(of.grain_id, {grain for _, grain in keys})]}
        rows = search(self._client, self._names.progress, wanted, self._fields)
        return earliest(
            ((identities[row[of.learner]], row[of.grain_id]), row[of.id], self._progress(row))
            for row in rows
        )

    def of_learner(self, identity: Identity, learner: int) -> list[Progress]:
        """The learner's record, earliest first."""
        of = self._of
        wanted = {of.learner: {"_eq": learner}}
        rows = search(self._client, self._names.progress, wanted, self._fields)
        kept = earliest(((identity, row[of.grain_id]), None, self._progress(row)) for row in rows)
        return sorted(progress for _, progress in kept.values())

    def insert(
        self, new: Mapping[Key, Progress], ids: Mapping[Identity, int], *, insist: bool
    ) -> Written[Key]:
        """Write new rows; see `Writer.write`."""
        rows = {row: self._row(ids[row[0]], progress) for row, progress in new.items()}
        return self._writer.write(rows, self._post, insist=insist)

    def replace(
        self,
        new: Mapping[Key, Progress],
        held: Held,
        ids: Mapping[Identity, int],
        *,
        insist: bool,
    ) -> Written[Key]:
        """Put these rows in the place of those that are held.

        One request is one transaction: the old row is deleted and the new one created, through
        the learner's alias field. Should another writer have replaced the old row meanwhile, there
        is nothing to delete and the unique constraint refuses the new one: compare and swap, which
        an update by key is not.
        """
        rows = {row: self._row(ids[row[0]], progress) for row, progress in new.items()}

        def swap(some: dict[Key, Row]) -> list[Row]:
            steps = [step for row in some for step in self._swap(held[row][0], some[row])]
            return self._patch_learners(steps)

        return self._writer.write(rows, swap, insist=insist)

    def refused(self, clashes: Mapping[Key, Clash], ids: Mapping[Identity, int]) -> dict[Key, str]:
        """Which of the rows that clash time after time are to be refused; see `Unique.refused`."""
        return self._unique.refused(
            clashes, lambda row: [found == row for found in self.read([row], ids)]
        )

    def erase(self, learner: int) -> None:
        """Remove every row of the learner."""
        wanted = {"query": {"filter": {self._of.learner: {"_eq": learner}}, "limit": -1}}
        self._client.ask("DELETE", f"/items/{self._names.progress}", body=wanted)

    def _swap(self, old: int, new: Row) -> Iterator[Row]:
        """Directus creates before it deletes, so the two are steps of their own."""
        learner = self._names.learner_fields
        created = {name: value for name, value in new.items() if name != self._of.learner}
        for step in ({"delete": [old]}, {"create": [created]}):
            nested = {"create": [], "update": [], "delete": [], **step}
            yield {learner.id: new[self._of.learner], learner.progress: nested}

    def _patch_learners(self, steps: list[Row]) -> list[Row]:
        learner = self._names.learner_fields
        path, params = f"/items/{self._names.learners}", {"fields": learner.id}
        try:
            self._client.request("PATCH", path, params=params, body=steps)
        except DirectusRefusal as refusal:
            if refusal.is_fault or refusal.code in (NOT_UNIQUE, TOO_LARGE):
                raise
            raise StoreMisconfigured(
                f"{path}: {refusal} when a progress row is replaced through the field "
                f"{learner.progress}; run `progress-bridge setup`"
            ) from None
        return []

    def _row(self, learner: int, progress: Progress) -> Row:
        of = self._of
        return {
            of.learner: learner,
            of.grain_id: progress.grain_id,
            of.module_id: progress.module_id,
            of.sequence_id: progress.sequence_id,
            of.completed_at: isoformat(progress.completed_at),
        }

    def _progress(self, row: Row) -> Progress:
        of = self._of
        return Progress(
            row[of.grain_id],
            row[of.module_id],
            row[of.sequence_id],
            parse_stored_instant(row[of.completed_at]),
        )


def rectangles(keys: Iterable[Key]) -> Iterator[list[Key]]:
    """The rows in groups whose learners times grains is at most 5,000, and at most 500 rows.

    Directus is asked for "these learners, these grains", which is short to say and quick to
    answer, where a list of 500 pairs is neither; but it gives the whole rectangle.
    """
    group: list[Key] = []
    learners: set[Identity] = set()
    grains: set[str] = set()
    for row in sorted(keys, key=lambda row: (row[1], row[0].origin, row[0].external_user_id)):
        learners.add(row[0])
        grains.add(row[1])
        if group and (len(group) == MAX_ROWS or len(learners) * len(grains) > MAX_CELLS):
            yield group
            group, learners, grains = [], {row[0]}, {row[1]}
        group.append(row)
    if group:
        yield group
