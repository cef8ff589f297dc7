"""What every store promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from bridge.checks import Finding
from bridge.model import Completion, Identity, Learner, Outcome, Progress


class Store(Protocol):
    """What every store promises; ``tests/contract`` holds each one to it.

    Every method raises `StoreUnavailable` when the store cannot serve now, and
    `StoreMisconfigured` when somebody has to mend something. What was written before is kept and
    may be sent again. Stores may be shared by threads.
    """

    def record(self, completions: Sequence[Completion]) -> list[Outcome]:
        """Record the completions, of any learners: one outcome each, in order.

        A completion that the store refuses is `rejected` alone; its neighbours are recorded.
        """

    def progress(self, identity: Identity) -> list[Progress]:
        """The learner's record, earliest first; empty for a learner nobody has seen."""

    def learner(self, identity: Identity, email: str | None = None) -> Learner:
        """The learner's row, created when there is none (with the e-mail address, if kept)."""

    def export(self, identity: Identity) -> dict[str, Any] | None:
        """All that is kept of the learner, ready for JSON; None for a learner nobody has seen.

        ``{"learner": {"origin", "external_user_id", "email", "date_creation"},
        "progress": [{"grain_id", "module_id", "sequence_id", "completed_at"}, …]}``, instants in
        ISO 8601 UTC.
        """

    def erase(self, identity: Identity) -> bool:
        """Remove the learner and their progress; whether there was anything to remove."""

    def check(self) -> list[Finding]:
        """What is right and wrong with the store, in words. Does not raise.

        Leaves nothing written, but makes an SQLite file, or its tables, that are not there yet.
        """

    def close(self) -> None:
        """Release connections. The store cannot be used afterwards."""
