"""The façade `Bridge`: what a platform calls, wired from one configuration."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final, Self

from bridge import metrics
from bridge.checks import Finding
from bridge.config import Settings
from bridge.errors import BeingDelivered, BridgeClosed
from bridge.model import ACCEPTED, Completion, Identity, Learner, Origin, Outcome, Progress
from bridge.outbox import Outbox, open_outbox
from bridge.stores import Store, open_store
from bridge.support.polling import poll_until

BATCH: Final = 5_000
"""Completions that `Bridge.record_many` holds in memory at once."""

PATIENCE: Final = 2.0
"""Seconds that `Bridge.erase` waits for a deliverer."""

ExternalId = str | int | uuid.UUID


class Bridge:
    """Records completions, and tells what is recorded.

    Each method takes the learner as the platform knows them: an origin and an external user id,
    under the rules of `Identity`. Every method may raise `InvalidIdentity`. Those that reach the
    store may raise `StoreUnavailable` (try again later) or `StoreMisconfigured` (somebody has to
    mend something). A bridge may be shared by threads. It is a context manager that closes its
    store and its outbox. Once it is closed every method but `close` raises `BridgeClosed`, and
    nothing is recorded or accepted.

    With an outbox, completions are `accepted`: kept through any crash before the call returns,
    whatever the store is doing, and delivered by `bridge.delivery`. Without one they are recorded
    before the call returns, or an error is raised and the caller has to try again.

    Args:
        store: where progress is kept.
        outbox: where completions wait until they are delivered, or None to record them at once.
    """

    def __init__(self, store: Store, outbox: Outbox | None = None) -> None:
        self.store = store
        self.outbox = outbox
        self._closed = False

    @classmethod
    def from_config(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """Open a bridge as the YAML file and the environment say, read by `Settings.load`.

        Raises:
            ConfigurationError: naming the setting and what is wrong with it.
        """
        return cls.from_settings(Settings.load(path))

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Open a bridge from settings that are already read."""
        return cls(open_store(settings), open_outbox(settings))

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
        """Record that the learner finished the grain, or with an outbox accept it for delivery.

        Recording the same completion again, or a later one, changes nothing: earliest wins.
        See `Completion` for the arguments and their rules.

        Returns:
            `created`, `already_recorded` or `moved_earlier`, or with an outbox `accepted`.

        Raises:
            InvalidCompletion: a value breaks a rule.
            CompletionRejected: the store refuses this completion and would again. With an outbox
                it becomes a dead letter instead.
            OutboxUnavailable: the completion is *not* accepted. Try again.
        """
        completion = Completion(
            Identity(origin, external_user_id),
            grain_id,
            module_id,
            sequence_id,
            completed_at,  # type: ignore[arg-type]  # None is now
            email,
        )
        (outcome,) = self._accept_or_record([completion])
        return outcome.confirmed()

    def record_many(self, completions: Iterable[Completion]) -> Iterator[Outcome]:
        """Record (with an outbox, accept) any number of completions, reading up to 5,000 ahead.

        Lazy: nothing is recorded until the outcomes are read. They come in order, a rejected
        completion as an outcome, not as an error.

        Raises:
            OutboxUnavailable: what was read ahead is *not* accepted; what was answered before is.
        """
        source = iter(completions)
        while batch := list(islice(source, BATCH)):
            yield from self._accept_or_record(batch)

    def progress(self, origin: Origin | str, external_user_id: ExternalId) -> list[Progress]:
        """Return the learner's record as the store holds it, earliest first.

        It is empty for a learner nobody has seen, and lacks what is still in the outbox.
        """
        self._refuse_when_closed()
        return self.store.progress(Identity(origin, external_user_id))

    def learner(
        self, origin: Origin | str, external_user_id: ExternalId, *, email: str | None = None
    ) -> Learner:
        """Return the learner's row, which is created when there is none."""
        self._refuse_when_closed()
        return self.store.learner(Identity(origin, external_user_id), email)

    def export(self, origin: Origin | str, external_user_id: ExternalId) -> dict[str, Any] | None:
        """Return all that is kept of the learner, ready for JSON (`Store.export`), or None."""
        self._refuse_when_closed()
        return self.store.export(Identity(origin, external_user_id))

    def erase(
        self,
        origin: Origin | str,
        external_user_id: ExternalId,
        *,
        patience: float = PATIENCE,
    ) -> bool:
        """Remove the learner and their progress.

        What waits in the outbox is removed first. What a deliverer is recording at this moment
        would arrive afterwards, so it is waited for, up to ``patience`` seconds.

        Returns:
            Whether there was anything to remove.

        Raises:
            BeingDelivered: it is not recorded yet, and so is not removed, nor what was recorded
                before. Erase again: in a moment, or when a deliverer that died has lost its lease.
            OutboxUnavailable: nothing was removed.
        """
        self._refuse_when_closed()
        identity = Identity(origin, external_user_id)
        was_waiting = self._erase_from_outbox(identity, patience)
        return self.store.erase(identity) or was_waiting

    def request_erasure(self, origin: Origin | str, external_user_id: ExternalId) -> bool:
        """Ask for the learner and their progress to be removed, with the store up or down.

        With an outbox, the request is kept through any crash before the call returns. What waits
        in the outbox is then removed, and a deliverer erases the learner from the store as soon as
        it can: not before what other deliverers hold of this learner has arrived there, so that it
        is erased too. The store is not asked anything. What is accepted of the learner until this
        is done (two minutes, where all is well) is erased as well. What is accepted afterwards is
        recorded as anybody's.

        Without an outbox, the learner is erased at once, or an error is raised and the caller has
        to ask again.

        To ask twice is harmless.

        Returns:
            Whether the learner is erased already. False means that a deliverer has to do it.

        Raises:
            OutboxUnavailable: ask again. (The request may be kept all the same.)
            StoreUnavailable, StoreMisconfigured: without an outbox, nothing is promised.
        """
        self._refuse_when_closed()
        identity = Identity(origin, external_user_id)
        if self.outbox is None:
            self.store.erase(identity)
            return True
        self.outbox.request_erasure(identity)  # first: nothing more is handed out from now on
        self.outbox.erase(identity)
        return False

    def check(self) -> list[Finding]:
        """Tell what is right and wrong with the store and the outbox, in words.

        Leaves no row behind, and does write: the file and the tables that an SQLite store or
        outbox lacks are made, a row is put into an SQLite outbox and removed in one transaction,
        and a Directus store is sent rows that it must refuse. On a base without the constraints
        that refuse them Directus takes such rows, and they are removed at once.
        """
        self._refuse_when_closed()
        return self.store.check() + (self.outbox.check() if self.outbox else [])

    def close(self) -> None:
        """Release the connections to the store and the outbox, for good."""
        self._closed = True
        self.store.close()
        if self.outbox:
            self.outbox.close()

    def _erase_from_outbox(self, identity: Identity, patience: float) -> bool:
        """Remove what waits in the outbox, and wait until nobody delivers more of the learner.

        Returns:
            Whether there was anything to remove.
        """
        if self.outbox is None:
            return False
        gone = 0
        late = BeingDelivered("the learner's completions are being delivered: erase again")
        for _ in poll_until(patience, late):
            erased = self.outbox.erase(identity)
            gone += erased.gone
            if not erased.leased:
                break
        return gone > 0

    def _accept_or_record(self, batch: list[Completion]) -> list[Outcome]:
        """Put the completions into the outbox, or without one record them."""
        self._refuse_when_closed()
        if self.outbox is None:
            return self.store.record(batch)
        self.outbox.put(batch)
        metrics.ACCEPTED.inc(len(batch))
        return [ACCEPTED] * len(batch)

    def _refuse_when_closed(self) -> None:
        """Raise what a closed bridge answers, since its store and outbox would connect anew."""
        if self._closed:
            raise BridgeClosed("this bridge is closed: nothing was done; open another one")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
