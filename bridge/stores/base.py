"""What every store promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from bridge.checks import Finding
from bridge.errors import StoreMisconfigured
from bridge.model import Completion, Identity, Learner, Outcome, Progress


class PartlyRecorded(StoreMisconfigured):
    """Some completions are recorded, and others are kept from it by what somebody has to mend.

    Attributes:
        outcomes: one for each completion, in order. None for those that are not recorded.
    """

    def __init__(self, message: str, outcomes: Sequence[Outcome | None]) -> None:
        super().__init__(message)
        self.outcomes = outcomes


class Store(Protocol):
    """What every store promises. ``tests/contract`` holds each one to it.

    Every method raises `StoreUnavailable` when the store cannot serve now, and
    `StoreMisconfigured` when somebody has to mend something. What was written before is kept and
    may be sent again. Stores may be shared by threads.
    """

    def record(self, completions: Sequence[Completion]) -> list[Outcome]:
        """Record the completions, of any learners.

        A completion that the store refuses is `rejected` alone: its neighbours are recorded.

        Returns:
            One outcome for each completion, in order.

        Raises:
            PartlyRecorded: somebody has to mend something, which keeps only some of them from it.
        """

    def progress(self, identity: Identity) -> list[Progress]:
        """Return the learner's record, earliest first.

        It is empty for a learner nobody has seen.
        """

    def learner(self, identity: Identity, email: str | None = None) -> Learner:
        """Return the learner's row, and create it when there is none.

        Args:
            identity: the learner.
            email: the address to create the row with, where the store keeps addresses.
        """

    def export(self, identity: Identity) -> dict[str, Any] | None:
        """Return all that is kept of the learner, ready for JSON.

        Returns:
            None for a learner nobody has seen. Otherwise ``{"learner": {"origin",
            "external_user_id", "email", "date_creation"}, "progress": [{"grain_id", "module_id",
            "sequence_id", "completed_at"}, …]}``, instants in ISO 8601 UTC.
        """

    def erase(self, identity: Identity) -> bool:
        """Remove the learner and their progress.

        Returns:
            Whether there was anything to remove.
        """

    def check(self) -> list[Finding]:
        """Tell what is right and wrong with the store, in words. Does not raise.

        Memory is only looked at. An SQL database is written to in a transaction that is rolled
        back. SQLite's file and its tables are made when they are not there yet. Directus is sent
        arrays of made-up rows, once the rights are there: it refuses them as a whole, and so tells
        its unique constraints. A base without any constraint takes those rows. They are removed
        again, as is a made-up learner for whom everything is done once.
        """

    def close(self) -> None:
        """Release connections. The store cannot be used afterwards."""
