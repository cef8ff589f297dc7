"""The façade: one configuration in, and the whole bridge to hand."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final, Self

from bridge.config import Settings
from bridge.errors import CompletionRejected
from bridge.model import Completion, Identity, Learner, Origin, Outcome, Progress, Status
from bridge.stores import Finding, Store, open_store

BATCH: Final = 2_000
"""Completions that `Bridge.record_many` holds in memory at once."""

ExternalId = str | int | uuid.UUID


class Bridge:
    """Records completions, and tells what is recorded.

    Each method takes the learner as the platform knows them: an origin and an external user id,
    under the rules of `Identity`. Every method may raise `InvalidIdentity`, `StoreUnavailable`
    (try again later) or `StoreMisconfigured` (somebody has to mend something). A bridge may be
    shared by threads; it is a context manager that closes its store.

    Args:
        store: where progress is kept.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    @classmethod
    def from_config(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """A bridge as the YAML file and the environment say; see `Settings.load`.

        Raises:
            ConfigurationError: naming the setting and what is wrong with it.
        """
        return cls.from_settings(Settings.load(path))

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """A bridge from settings that are already read."""
        return cls(open_store(settings))

    def record(
        self,
        origin: Origin | str,
        external_user_id: ExternalId,
        grain_id: str,
        *,
        module_id: str | None = None,
        sequence_id: str | None = None,
        completed_at: datetime | None = None,
        email: str | None = None,
    ) -> Outcome:
        """Record that the learner finished the grain, before returning.

        Recording the same completion again, or a later one, changes nothing: earliest wins.
        See `Completion` for the arguments and their rules.

        Returns:
            `created`, `already_recorded` or `moved_earlier`.

        Raises:
            InvalidCompletion: a value breaks a rule.
            CompletionRejected: the store refuses this completion and would again.
        """
        completion = Completion(
            Identity(origin, external_user_id),
            grain_id,
            module_id,
            sequence_id,
            completed_at,  # type: ignore[arg-type]  # None is now
            email,
        )
        (outcome,) = self.store.record([completion])
        if outcome.status is Status.REJECTED:
            raise CompletionRejected(outcome.reason or "no reason given")
        return outcome

    def record_many(self, completions: Iterable[Completion]) -> Iterator[Outcome]:
        """Record any number of completions, reading no more than 2,000 ahead.

        Lazy: nothing is recorded until the outcomes are read. They come in order, a rejected
        completion as an outcome, not as an error.
        """
        source = iter(completions)
        while batch := list(islice(source, BATCH)):
            yield from self.store.record(batch)

    def progress(self, origin: Origin | str, external_user_id: ExternalId) -> list[Progress]:
        """The learner's record, earliest first; empty for a learner nobody has seen."""
        return self.store.progress(Identity(origin, external_user_id))

    def learner(
        self, origin: Origin | str, external_user_id: ExternalId, *, email: str | None = None
    ) -> Learner:
        """The learner's row, created when there is none."""
        return self.store.learner(Identity(origin, external_user_id), email)

    def export(self, origin: Origin | str, external_user_id: ExternalId) -> dict[str, Any] | None:
        """All that is kept of the learner, ready for JSON (`Store.export`), or None."""
        return self.store.export(Identity(origin, external_user_id))

    def erase(self, origin: Origin | str, external_user_id: ExternalId) -> bool:
        """Remove the learner and their progress; whether there was anything to remove."""
        return self.store.erase(Identity(origin, external_user_id))

    def check(self) -> list[Finding]:
        """What is right and wrong with the store, in words. Writes nothing. Does not raise."""
        return self.store.check()

    def close(self) -> None:
        """Release the store's connections."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
