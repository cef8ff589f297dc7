"""Directus says that a row is not unique, or has no parent: whose fault is that?

A row that another writer wrote meanwhile is found on the next look. What is left after several
looks is the row's own fault, or the base's: the bridge never gives a key, so a key that is taken
comes from a sequence that is behind the table; and a row that is there and not found is hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from bridge.errors import StoreMisconfigured
from bridge.stores.directus.client import DirectusRefusal

NOT_UNIQUE: Final = "RECORD_NOT_UNIQUE"
NO_SUCH_PARENT: Final = "INVALID_FOREIGN_KEY"

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Clash:
    """What Directus said of a row that is not unique or has no parent.

    Not the refusal itself: an exception that is kept keeps its frames.

    Attributes:
        code: `NOT_UNIQUE` or `NO_SUCH_PARENT`.
        collection: where, or None; a trigger's own table, for instance.
        field: on what, or None. PostgreSQL's columns are all named, of SQLite's only the last.
    """

    code: str
    collection: str | None
    field: str | None

    @property
    def reason(self) -> str:
        """In words, for a dead letter."""
        place = ".".join(part for part in (self.collection, self.field) if part)
        return f"Directus refuses: {self.code}{f' ({place})' if place else ''}"


def clash(refusal: DirectusRefusal) -> Clash | None:
    """The refusal as a clash, when it is one."""
    if refusal.code in (NOT_UNIQUE, NO_SUCH_PARENT):
        return Clash(refusal.code, refusal.collection, refusal.field)
    return None


@dataclass(frozen=True, slots=True)
class Unique:
    """What is unique in a collection.

    Attributes:
        collection: its name.
        key: the primary key, which the base gives.
        columns: what the bridge looks for before it writes.
    """

    collection: str
    key: str
    columns: tuple[str, ...]

    def on_key(self, what: Clash | None) -> bool:
        """Whether the primary key is taken: no row of the bridge can be at fault."""
        return what is not None and self._within(what, {self.key})

    def behind(self) -> StoreMisconfigured:
        """The error to raise then."""
        return StoreMisconfigured(
            f"the id sequence of {self.collection} is behind its rows; in the database, set it to "
            f"the largest {self.key}: setval(pg_get_serial_sequence('{self.collection}', "
            f"'{self.key}'), …)"
        )

    def refused(
        self, clashes: Mapping[K, Clash], found: Callable[[K], Sequence[bool]]
    ) -> dict[K, str]:
        """Which of the rows that clash time after time are to be refused, and why.

        The others are there, after all: other writers keep coming first.

        Args:
            clashes: what Directus said of each.
            found: of each row that the base gives when it is asked for this one, whether it is
                the very one (a base that ignores case gives others).

        Raises:
            StoreMisconfigured: the fault is the base's.
        """
        refused = {}
        for row, what in clashes.items():
            if self.on_key(what):
                raise self.behind()
            there = found(row) if self._within(what, set(self.columns)) else [False]
            if not there:
                raise self._hidden()
            if not any(there):
                refused[row] = what.reason
        return refused

    def _hidden(self) -> StoreMisconfigured:
        return StoreMisconfigured(
            f"{self.collection} holds a row with the same {', '.join(self.columns)} that is not "
            "found; does a rule hide rows from the bridge's token, or is one of these columns "
            "unique by itself?"
        )

    def _within(self, what: Clash, columns: set[str]) -> bool:
        """Whether it is about some of these columns, and no other."""
        if what.code != NOT_UNIQUE or what.field is None:
            return False
        here = what.collection in (None, self.collection)
        return here and {name.strip(' "') for name in what.field.split(",")} <= columns
