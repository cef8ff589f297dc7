"""The kinds of failure that the SQL store tells apart, beneath those of `bridge.errors`."""

from __future__ import annotations

from typing import Final

from bridge.errors import StoreError, StoreMisconfigured, StoreUnavailable

MAKE_TABLES: Final = (
    "run sql/schema-multi-origin.sql (or, on an old base, schema-migration-multi-origin.sql)"
)
"""The remedy for what the scripts of ``sql/`` make."""


class Conflict(StoreError):
    """Another writer came first. The same batch will do better when it is tried again.

    Attributes:
        lasting: what it means when it comes every time, or None when that is others' writing.
    """

    def __init__(self, message: str, lasting: StoreError | None = None) -> None:
        super().__init__(message)
        self.lasting = lasting


class Refused(StoreError):
    """The database refuses a row of the batch."""


class _WithRemedy(StoreError):
    """An error that says what to do about it.

    Attributes:
        what: what is wrong.
        remedy: what to do about it, or, where it may pass by itself, when it stays so.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what}; {remedy}" if remedy else what)
        self.what = what
        self.remedy = remedy


class MisconfiguredDatabase(_WithRemedy, StoreMisconfigured):
    """Somebody has to mend something in the database or in its URL."""


class NotAsWritten(MisconfiguredDatabase):
    """The database keeps another row than it was given."""


class UnreachableDatabase(_WithRemedy, StoreUnavailable):
    """The database cannot be reached or cannot serve now."""
