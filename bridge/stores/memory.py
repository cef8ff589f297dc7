"""A store in this process's memory, for the tests of those who use the bridge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from threading import Lock
from typing import Any

from bridge.checks import Finding
from bridge.json_format import learner_as_json
from bridge.model import Completion, Identity, Learner, Outcome, Progress
from bridge.stores.merge import LearnerGrain, merge


class MemoryStore:
    """Keeps the whole `Store` contract, and forgets everything when it goes.

    Args:
        store_email: keep the learners' e-mail addresses.
    """

    def __init__(self, *, store_email: bool = False) -> None:
        self._store_email = store_email
        self._lock = Lock()
        self._ids = count(1)
        self._learners: dict[Identity, Learner] = {}
        self._rows: dict[LearnerGrain, Progress] = {}

    def record(self, completions: Sequence[Completion]) -> list[Outcome]:
        with self._lock:
            for completion in completions:
                self._get_or_create(completion.identity, completion.email)
            changes = merge(completions, self._rows)
            self._rows |= changes.create | changes.replace
            return changes.outcomes

    def progress(self, identity: Identity) -> list[Progress]:
        with self._lock:
            return sorted(row for (learner, _), row in self._rows.items() if learner == identity)

    def learner(self, identity: Identity, email: str | None = None) -> Learner:
        with self._lock:
            return self._get_or_create(identity, email)

    def export(self, identity: Identity) -> dict[str, Any] | None:
        learner = self._learners.get(identity)
        return None if learner is None else learner_as_json(learner, self.progress(identity))

    def erase(self, identity: Identity) -> bool:
        with self._lock:
            for pair in [pair for pair in self._rows if pair[0] == identity]:
                del self._rows[pair]
            return self._learners.pop(identity, None) is not None

    def check(self) -> list[Finding]:
        return [Finding(ok=True, message="the store is this process's memory")]

    def close(self) -> None:
        """Release nothing: there is no connection."""

    def _get_or_create(self, identity: Identity, email: str | None) -> Learner:
        learner = self._learners.get(identity)
        if learner is None:
            stored_email = email if self._store_email else None
            learner = Learner(next(self._ids), identity, stored_email, datetime.now(UTC))
            self._learners[identity] = learner
        return learner
