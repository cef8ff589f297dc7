"""The progress collection in Directus: read for a batch, insert, and replace by what is earlier."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Collection as Container
from typing import Final

from bridge.config import StoreSettings
from bridge.errors import StoreMisconfigured, StoreUnavailable
from bridge.json_format import isoformat
from bridge.model import Identity, Progress
from bridge.stores.directus.answers import TOO_LARGE, DirectusRefusal
from bridge.stores.directus.client import DirectusClient
from bridge.stores.directus.confirming import Owner, OwnerKey, WrittenRows, exact_instant
from bridge.stores.directus.conflicts import NOT_UNIQUE, RowConflict, UniqueColumns
from bridge.stores.directus.reading import among
from bridge.stores.directus.writing import MAX_ROWS_ASKED, Key, Row, Writer, WriteResult, delete
from bridge.stores.merge import LearnerGrain, earliest

MAX_COMBINATIONS: Final = 5_000
"""Learners times grains in one question: it may give as many rows."""

MAX_SWEEPS: Final = 6
"""How often a learner's rows are read and removed while other writers add some."""

Recorded = dict[LearnerGrain, tuple[Key, Progress]]
"""What Directus holds: the primary key and the progress."""


class KeysReused(Exception):
    """A learner's remembered primary key is another learner's by now, as after a restored dump."""


class ProgressRows:
    """The progress collection.

    A primary key says who a row's learner is only as long as the base is not emptied or restored.
    So every answer is asked for the learner's origin and external id beside the row.

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
        self._columns = columns = names.progress_fields
        self._unique = UniqueColumns.of_progress(names)
        self._inserter = Writer(probe, self._unique)
        self._replacer = Writer(probe, self._unique)  # an array of as many rows asks for more
        self._owner = Owner(client, names)
        self._written = WrittenRows(client, names, self._owner)
        self._fields = (
            columns.id,
            columns.grain_id,
            columns.module_id,
            columns.sequence_id,
            columns.completed_at,
        )

    def read(self, pairs: Container[LearnerGrain], ids: Mapping[Identity, Key]) -> Recorded:
        """Read what is recorded already for these learners and grains.

        Args:
            pairs: what to ask for.
            ids: the learners' primary keys.

        Returns:
            Also what is recorded of other pairs of the same learners and grains.

        Raises:
            KeysReused: one of the keys is not that learner's any more.
        """
        if not pairs:
            return {}
        columns = self._columns
        owners: dict[OwnerKey | None, Identity] = {
            self._owner.key_of(identity): identity for identity, _ in pairs
        }
        learners = {columns.learner: {"_in": sorted({ids[identity] for identity, _ in pairs})}}
        wanted = {"_and": [learners, among(columns.grain_id, {grain for _, grain in pairs})]}
        rows = self._owner.search(wanted, self._fields)
        if any(self._owner.of(row) not in owners for row in rows):
            raise KeysReused
        return earliest(
            (
                (owners[self._owner.of(row)], row[columns.grain_id]),
                row[columns.id],
                self._progress(row),
            )
            for row in rows
        )

    def of_learner(self, identity: Identity) -> list[Progress]:
        """Read the learner's record, earliest first."""
        rows = self._rows_of(identity, self._fields)
        recorded = earliest(
            ((identity, row[self._columns.grain_id]), None, self._progress(row)) for row in rows
        )
        return sorted(progress for _, progress in recorded.values())

    def insert(
        self,
        new: Mapping[LearnerGrain, Progress],
        ids: Mapping[Identity, Key],
        *,
        isolate_conflicts: bool,
    ) -> WriteResult[LearnerGrain]:
        """Write new rows, as `Writer.write` does."""
        rows = {pair: self._row(ids[pair[0]], progress) for pair, progress in new.items()}
        return self._inserter.write(rows, self._written.insert, isolate_conflicts=isolate_conflicts)

    def replace(
        self,
        new: Mapping[LearnerGrain, Progress],
        recorded: Recorded,
        ids: Mapping[Identity, Key],
        *,
        isolate_conflicts: bool,
    ) -> WriteResult[LearnerGrain]:
        """Put these rows in the place of those that are recorded.

        One request is one transaction: the old row is deleted and the new one created, through
        the learner's alias field. Should another writer have replaced the old row meanwhile, there
        is nothing to delete and the unique constraint refuses the new one: compare and swap, which
        an update by primary key is not.
        """
        rows = {pair: self._row(ids[pair[0]], progress) for pair, progress in new.items()}

        def swap(some: dict[LearnerGrain, Row]) -> WriteResult[LearnerGrain]:
            steps = [
                step for pair in some for step in self._swap_steps(recorded[pair][0], some[pair])
            ]
            self._patch_learners(steps)
            return self._written.confirm(some)

        return self._replacer.write(rows, swap, isolate_conflicts=isolate_conflicts)

    def refused(
        self, conflicts: Mapping[LearnerGrain, RowConflict], ids: Mapping[Identity, Key]
    ) -> dict[LearnerGrain, str]:
        """Choose the rows to refuse, as `UniqueColumns.refused` does."""
        return self._unique.refused(
            conflicts, lambda pair: [found == pair for found in self.read([pair], ids)]
        )

    def rehearsal_is_due(self) -> bool:
        """Return whether it was not seen lately that instants are kept as they are."""
        return self._written.rehearsal_is_due()

    def rehearse(self, make_learner: Callable[[], Key | None]) -> None:
        """Make sure that instants are kept exactly, as `WrittenRows.rehearse` does."""
        self._written.rehearse(make_learner)

    def undo_misplaced(self) -> None:
        """Remove rows that could not be taken back when they were written for somebody else."""
        self._written.undo_misplaced()

    def erase(self, identity: Identity) -> None:
        """Remove every row of the learner, until none is read any more.

        Raises:
            StoreUnavailable: other writers keep recording for this learner.
        """
        columns = self._columns
        for _ in range(MAX_SWEEPS):
            rows = self._rows_of(identity, [columns.id])
            if not rows:
                return
            keys = [row[columns.id] for row in rows]
            delete(
                self._client, self._names.progress, columns.id, keys, self._owner.filter(identity)
            )
        raise StoreUnavailable("other writers keep recording for this learner")

    def erase_orphans(self, learner_ids: Sequence[Key]) -> None:
        """Remove the rows that came while their learner went, where no foreign key prevents it.

        Args:
            learner_ids: the primary keys that the learner had.
        """
        key = self._columns.id
        wanted = {self._columns.learner: {"_in": list(learner_ids)}}
        rows = self._owner.search(wanted, [key])
        orphans = [row[key] for row in rows if self._owner.of(row) is None]
        delete(self._client, self._names.progress, key, orphans)

    def _rows_of(self, identity: Identity, fields: Sequence[str]) -> list[Row]:
        rows = self._owner.search(self._owner.filter(identity), fields)
        theirs = self._owner.key_of(identity)
        return [row for row in rows if self._owner.of(row) == theirs]

    def _swap_steps(self, old_id: Key, new: Row) -> Iterator[Row]:
        """Give the two updates of a learner that delete the old row and create the new one.

        Directus creates before it deletes, so they cannot be one.
        """
        learner_columns, learner = self._names.learner_fields, self._columns.learner
        created = {name: value for name, value in new.items() if name != learner}
        for step in ({"delete": [old_id]}, {"create": [created]}):
            nested = {"create": [], "update": [], "delete": [], **step}
            yield {learner_columns.id: new[learner], learner_columns.progress: nested}

    def _patch_learners(self, steps: list[Row]) -> None:
        columns = self._names.learner_fields
        path, params = f"/items/{self._names.learners}", {"fields": columns.id}
        try:
            self._client.request("PATCH", path, params=params, body=steps)
        except DirectusRefusal as refusal:
            too_much = refusal.max_rows is not None or refusal.code == TOO_LARGE
            if too_much or refusal.may_be_server_fault or refusal.code == NOT_UNIQUE:
                raise
            raise StoreMisconfigured(
                f"{path}: {refusal} when a progress row is replaced through the field "
                f"{columns.progress}; run `progress-bridge setup`"
            ) from None

    def _row(self, learner_id: Key, progress: Progress) -> Row:
        columns = self._columns
        return {
            columns.learner: learner_id,
            columns.grain_id: progress.grain_id,
            columns.module_id: progress.module_id,
            columns.sequence_id: progress.sequence_id,
            columns.completed_at: isoformat(progress.completed_at),
        }

    def _progress(self, row: Row) -> Progress:
        columns = self._columns
        return Progress(
            row[columns.grain_id],
            row[columns.module_id],
            row[columns.sequence_id],
            exact_instant(self._names, row),
        )


def question_groups(pairs: Iterable[LearnerGrain]) -> Iterator[list[LearnerGrain]]:
    """Divide the pairs into groups that one question each can ask for.

    Directus is asked for "these learners, these grains", which is short to say and quick to
    answer, where a list of 500 pairs is neither. But it gives every combination of them. So a
    group has at most 500 pairs, and its learners times its grains are at most 5,000.
    """
    group: list[LearnerGrain] = []
    learners: set[Identity] = set()
    grains: set[str] = set()
    for pair in sorted(pairs, key=_by_grain):
        learner, grain = pair
        learners.add(learner)
        grains.add(grain)
        too_many = len(learners) * len(grains) > MAX_COMBINATIONS
        if group and (len(group) == MAX_ROWS_ASKED or too_many):
            yield group
            group, learners, grains = [], {learner}, {grain}
        group.append(pair)
    if group:
        yield group


def _by_grain(pair: LearnerGrain) -> tuple[str, str, str]:
    learner, grain = pair
    return grain, learner.origin, learner.external_user_id
