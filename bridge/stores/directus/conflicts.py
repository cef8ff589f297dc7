"""Whose fault it is that Directus calls a row not unique, or says that it has no parent.

A row that another writer wrote meanwhile is found when Directus is asked again. What is left after
several attempts is the row's own fault, or the base's. The bridge never gives a primary key, so a
key that is taken comes from a sequence that is behind the table. A row that is there and is not
found is hidden from the bridge's token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from bridge.config import Names
from bridge.errors import StoreMisconfigured
from bridge.stores.directus.answers import DirectusRefusal

NOT_UNIQUE: Final = "RECORD_NOT_UNIQUE"
NO_SUCH_PARENT: Final = "INVALID_FOREIGN_KEY"

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class RowConflict:
    """What Directus said of a row that is not unique or has no parent.

    It is kept in place of the refusal: an exception that is kept keeps its frames.

    Attributes:
        code: `NOT_UNIQUE` or `NO_SUCH_PARENT`.
        collection: where, or None. It may be a trigger's own table.
        field: on what, or None. PostgreSQL's columns are all named, of SQLite's only the last.
    """

    code: str
    collection: str | None
    field: str | None

    @property
    def reason(self) -> str:
        """Describe the conflict in words, for a dead letter."""
        place = ".".join(part for part in (self.collection, self.field) if part)
        return f"Directus refuses: {self.code}{f' ({place})' if place else ''}"


def as_conflict(refusal: DirectusRefusal | None) -> RowConflict | None:
    """Return the refusal as a conflict, or None when it is something else."""
    if refusal is not None and refusal.code in (NOT_UNIQUE, NO_SUCH_PARENT):
        return RowConflict(refusal.code, refusal.collection, refusal.field)
    return None


@dataclass(frozen=True, slots=True)
class UniqueColumns:
    """What is unique in a collection.

    Attributes:
        collection: its name.
        primary_key: the column of the primary key, which the base fills.
        columns: what the bridge looks for before it writes.
    """

    collection: str
    primary_key: str
    columns: tuple[str, ...]

    @classmethod
    def of_learners(cls, names: Names) -> UniqueColumns:
        """Return what is unique in the learners' collection."""
        columns = names.learner_fields
        return cls(names.learners, columns.id, (columns.origin, columns.external_user_id))

    @classmethod
    def of_progress(cls, names: Names) -> UniqueColumns:
        """Return what is unique in the progress collection."""
        columns = names.progress_fields
        return cls(names.progress, columns.id, (columns.learner, columns.grain_id))

    def is_primary_key(self, conflict: RowConflict | None) -> bool:
        """Return whether the primary key is what is taken.

        Then no row of the bridge can be at fault.
        """
        return conflict is not None and self._is_within(conflict, {self.primary_key})

    def sequence_behind(self) -> StoreMisconfigured:
        """Return the error to raise when the primary key is taken."""
        return StoreMisconfigured(
            f"the id sequence of {self.collection} is behind its rows; in the database, set it to "
            f"the largest {self.primary_key}: setval(pg_get_serial_sequence('{self.collection}', "
            f"'{self.primary_key}'), …)"
        )

    def refused(
        self, conflicts: Mapping[K, RowConflict], found: Callable[[K], Sequence[bool]]
    ) -> dict[K, str]:
        """Choose the rows to refuse among those that meet a conflict time after time.

        The others are there, after all: other writers keep coming first.

        Args:
            conflicts: what Directus said of each row.
            found: of each row that the base gives when it is asked for this one, whether it is
                the very one (a base that ignores case gives others).

        Returns:
            Why, by row to refuse.

        Raises:
            StoreMisconfigured: the fault is the base's.
        """
        refused = {}
        for row, conflict in conflicts.items():
            if self.is_primary_key(conflict):
                raise self.sequence_behind()
            there = found(row) if self._is_within(conflict, set(self.columns)) else [False]
            if not there:
                raise self._row_hidden()
            if not any(there):
                refused[row] = conflict.reason
        return refused

    def _row_hidden(self) -> StoreMisconfigured:
        return StoreMisconfigured(
            f"{self.collection} holds a row with the same {', '.join(self.columns)} that is not "
            "found; does a rule hide rows from the bridge's token, or is one of these columns "
            "unique by itself?"
        )

    def _is_within(self, conflict: RowConflict, columns: set[str]) -> bool:
        """Return whether the conflict is on some of these columns, and on no other."""
        if conflict.code != NOT_UNIQUE or conflict.field is None:
            return False
        here = conflict.collection in (None, self.collection)
        return here and {name.strip(' "') for name in conflict.field.split(",")} <= columns
