"""Progress in Directus, over its items API.

A batch costs a few requests: the learners that are not remembered are looked up and created in
bulk, what is recorded of them is read, and what is missing is written in arrays. Other writers may
come in between. The unique constraints of the base then refuse the array, and another attempt
finds what they wrote.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from bridge.checks import Finding
from bridge.config import StoreSettings
from bridge.errors import StoreError, StoreMisconfigured, StoreUnavailable
from bridge.json_format import learner_as_json
from bridge.model import Completion, Identity, Learner, Origin, Outcome, Progress
from bridge.stores.base import PartlyRecorded
from bridge.stores.directus.answers import DirectusRefusal, NotDirectus
from bridge.stores.directus.check import check
from bridge.stores.directus.client import DirectusClient
from bridge.stores.directus.learners import LearnerIds, LearnerRows
from bridge.stores.directus.methods import passes
from bridge.stores.directus.probe import Probe
from bridge.stores.directus.progress import KeysReused, ProgressRows, Recorded, question_groups
from bridge.stores.directus.rehearsal import rehearse
from bridge.stores.directus.writing import Key, WriteResult, map_concurrently
from bridge.stores.merge import Changes, LearnerGrain, learner_grain, merge

MAX_ATTEMPTS: Final = 6
"""How often a group of rows is tried again because other writers came first."""


class DirectusStore:
    """A `Store` on Directus 10, 11 and 12. May be shared by threads.

    Args:
        settings: URL, token, time-outs, number of connections, the data owner's names.
        store_email: keep the learners' e-mail addresses.
    """

    def __init__(self, settings: StoreSettings, *, store_email: bool = False) -> None:
        self._settings = settings
        self._names = settings.names
        self._client = DirectusClient(settings)
        probe = Probe(self._client, settings.names)
        self._learners = LearnerRows(
            self._client, settings, store_email=store_email, probe=probe.check_learners
        )
        self._rows = ProgressRows(self._client, settings, probe.check_progress)

    def record(self, completions: Sequence[Completion]) -> list[Outcome]:
        self._rows.undo_misplaced()
        emails = {completion.identity: completion.email for completion in reversed(completions)}
        resolved = self._learners.resolve(emails)
        pending = PendingRows(completions)
        pending.refuse_learners(resolved.refused)
        groups = list(question_groups(pending.positions))
        map_concurrently(
            lambda group: self._record_group(pending, group, resolved),
            groups,
            self._settings.connections,
        )
        pending.require_all()
        return pending.outcomes()

    def progress(self, identity: Identity) -> list[Progress]:
        return self._rows.of_learner(identity)

    def learner(self, identity: Identity, email: str | None = None) -> Learner:
        learner = self._learners.read(identity)
        if learner is None:
            resolved = self._learners.resolve({identity: email})
            if identity in resolved.refused:
                raise StoreMisconfigured(f"no learner can be created: {resolved.refused[identity]}")
            learner = self._learners.read(identity)
        if learner is None:
            raise StoreUnavailable("the learner was erased meanwhile")
        return learner

    def export(self, identity: Identity) -> dict[str, Any] | None:
        learner = self._learners.read(identity)
        if learner is None:
            return None
        return learner_as_json(learner, self._rows.of_learner(identity))

    def erase(self, identity: Identity) -> bool:
        failure: StoreError = StoreUnavailable("other writers keep recording for this learner")
        erased = False
        for _ in range(MAX_ATTEMPTS):
            learner_ids = list(self._learners.find([identity]).values())
            self._learners.forget([identity])
            if not learner_ids:
                return erased
            self._rows.erase(identity)
            try:
                self._learners.erase(identity, learner_ids)
                self._rows.erase_orphans(learner_ids)
            except DirectusRefusal as refusal:
                failure = self._why_not_erased(identity, refusal)
            erased = True
        raise failure

    def check(self) -> list[Finding]:
        return check(self._client, self._names, lambda: rehearse(self))

    def close(self) -> None:
        self._client.close()

    def _why_not_erased(self, identity: Identity, refusal: DirectusRefusal) -> StoreError:
        """Return the error that says why a learner's row stays although their progress is gone.

        Directus gives a foreign key of another table as 500, as it does its own failures.
        """
        if self._rows.of_learner(identity):
            return StoreUnavailable("other writers keep recording for this learner")
        return StoreMisconfigured(
            f"/items/{self._names.learners}: {refusal} although no progress is left; another table "
            "refers to this learner: remove its rows first, or give its foreign key ON DELETE "
            "CASCADE"
        )

    def _record_group(
        self, pending: PendingRows, group: Sequence[LearnerGrain], resolved: LearnerIds
    ) -> None:
        """Record the completions of these rows, or note why some of them cannot be.

        What a firewall in front of Directus stops for what is in it must not keep its neighbours
        from being recorded. So the rows are halved, when it lets such requests pass otherwise.
        """
        try:
            self._record_rows(pending, group, resolved)
        except StoreMisconfigured as error:
            left = pending.unsettled(group)
            half = len(left) // 2
            if half and isinstance(error, NotDirectus) and self._passes(error.method):
                self._record_group(pending, left[:half], resolved)
                self._record_group(pending, left[half:], resolved)
            else:
                pending.hold_back(left, str(error))

    def _passes(self, method: str) -> bool:
        return passes(self._client, self._names, method)

    def _record_rows(
        self, pending: PendingRows, group: Sequence[LearnerGrain], resolved: LearnerIds
    ) -> None:
        """Record the completions of these rows, trying again as long as others interfere."""
        left, ids, fresh = list(group), dict(resolved.ids), resolved.fresh
        for attempt in range(MAX_ATTEMPTS):
            try:
                recorded = self._rows.read([pair for pair in left if pair[0] not in fresh], ids)
            except KeysReused:
                ids |= self._resolve_again(left)
                continue
            changes = pending.merge(left, recorded)
            result = self._rows.insert(changes.create, ids, isolate_conflicts=attempt > 1)
            if changes.replace:
                pending.settle(left, changes, result)  # should these fail, the new ones are done
                self._rehearse_replacing()
                result.add(self._replace(changes.replace, recorded, ids, attempt))
            left = pending.settle(left, changes, result)
            if not left:
                return
            if result.orphaned:
                ids |= self._resolve_again(left)
            fresh = set()
        conflicts = {pair: what for pair, what in result.conflicts.items() if pair in left}
        try:
            refused = self._rows.refused(conflicts, ids)
        except KeysReused:
            refused = {}
        pending.refuse(refused)
        if len(refused) < len(left):
            raise StoreUnavailable("other writers keep changing these rows")

    def _rehearse_replacing(self) -> None:
        """Make sure that instants are kept exactly, before a row is replaced.

        It is tried with a made-up learner: no learner's record holds anything made up, even if
        this process is killed in between.
        """
        if not self._rows.rehearsal_is_due():
            return
        made_up = Identity(Origin.DIRECT, uuid.uuid4())
        try:
            self._rows.rehearse(lambda: self._learners.resolve({made_up: None}).ids.get(made_up))
        finally:
            self.erase(made_up)

    def _replace(
        self,
        new: Mapping[LearnerGrain, Progress],
        recorded: Recorded,
        ids: Mapping[Identity, Key],
        attempt: int,
    ) -> WriteResult[LearnerGrain]:
        """Replace the rows.

        Directus answers 403 for a missing right, but also when the learner is gone, or when
        another writer takes the old row away between its own look and its delete.
        """
        try:
            return self._rows.replace(new, recorded, ids, isolate_conflicts=attempt > 1)
        except NotDirectus:
            raise
        except StoreMisconfigured:
            there = self._learners.find({identity for identity, _ in new})
            gone = any(there.get(identity) != ids[identity] for identity, _ in new)
            if attempt == MAX_ATTEMPTS - 1 and not gone:
                raise
            return WriteResult(orphaned=gone)

    def _resolve_again(self, pairs: Iterable[LearnerGrain]) -> dict[Identity, Key]:
        """Find the primary keys of these learners anew: another writer erased some of them."""
        identities = {identity for identity, _ in pairs}
        self._learners.forget(identities)
        return self._learners.resolve(dict.fromkeys(identities)).ids


class PendingRows:
    """The completions of one `record`, by the rows that they are about: which are settled, and how.

    Threads may each work on rows of their own at the same time.

    Attributes:
        positions: of the completions in the batch, by learner and grain.
    """

    def __init__(self, completions: Sequence[Completion]) -> None:
        self._completions = completions
        self._outcomes: list[Outcome | None] = [None] * len(completions)
        self._held_back: list[str] = []
        self.positions: dict[LearnerGrain, list[int]] = {}
        for position, completion in enumerate(completions):
            self.positions.setdefault(learner_grain(completion), []).append(position)

    def outcomes(self) -> list[Outcome]:
        """Return the outcome of each completion, in order."""
        return [outcome for outcome in self._outcomes if outcome is not None]

    def require_all(self) -> None:
        """Make sure that nothing was held back.

        Raises:
            StoreMisconfigured: something was, and why. `PartlyRecorded` when not everything was.
        """
        if self._held_back and any(self._outcomes):
            raise PartlyRecorded(self._held_back[0], self._outcomes)
        if self._held_back:
            raise StoreMisconfigured(self._held_back[0])

    def hold_back(self, pairs: Sequence[LearnerGrain], reason: str) -> None:
        """Note that these rows cannot be written until somebody mends what is wrong."""
        if pairs:
            self._held_back.append(reason)

    def unsettled(self, pairs: Iterable[LearnerGrain]) -> list[LearnerGrain]:
        """Return those of the rows whose completions have no outcome yet."""
        return [pair for pair in pairs if self._outcomes[self.positions[pair][0]] is None]

    def refuse_learners(self, reasons: Mapping[Identity, str]) -> None:
        """Reject all completions of these learners, who cannot be created."""
        rows = {pair: reasons[pair[0]] for pair in self.positions if pair[0] in reasons}
        self.refuse(rows)
        for pair in rows:
            del self.positions[pair]

    def refuse(self, reasons: Mapping[LearnerGrain, str]) -> None:
        """Reject all completions of these rows."""
        for pair, reason in reasons.items():
            for position in self.positions[pair]:
                self._outcomes[position] = Outcome.rejected(reason)

    def merge(self, pairs: Iterable[LearnerGrain], recorded: Recorded) -> Changes:
        """Decide what the completions of these rows change, given what is recorded."""
        return merge(
            [self._completions[position] for pair in pairs for position in self.positions[pair]],
            {pair: progress for pair, (_, progress) in recorded.items()},
        )

    def settle(
        self, pairs: Sequence[LearnerGrain], changes: Changes, result: WriteResult[LearnerGrain]
    ) -> list[LearnerGrain]:
        """Note the outcomes of what is done.

        Returns:
            The rows that need another attempt.
        """
        left = []
        outcomes = iter(changes.outcomes)
        for pair in pairs:
            coming = [(position, next(outcomes)) for position in self.positions[pair]]
            if pair in result.refused:
                self.refuse({pair: result.refused[pair]})
            elif pair in result.written or not (pair in changes.create or pair in changes.replace):
                for position, outcome in coming:
                    self._outcomes[position] = outcome
            else:
                left.append(pair)
        return left
