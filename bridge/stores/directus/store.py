"""Progress in Directus, over its items API.

A batch costs a few requests: the learners that are not remembered are looked up and created in
bulk, what is recorded of them is read, and what is missing is written in arrays. Other writers may
come in between; the unique constraints of the base then refuse the array, and a second look finds
what they wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from bridge.checks import Finding
from bridge.config import StoreSettings
from bridge.errors import StoreError, StoreMisconfigured, StoreUnavailable
from bridge.json_format import learner_as_json
from bridge.model import Completion, Identity, Learner, Outcome, Progress
from bridge.stores.directus.check import check
from bridge.stores.directus.client import DirectusClient, DirectusRefusal
from bridge.stores.directus.learners import Learners, Resolved
from bridge.stores.directus.probe import Probe
from bridge.stores.directus.progress import Held, ProgressRows, rectangles
from bridge.stores.directus.writing import Written, spread
from bridge.stores.merge import Changes, Key, key, merge

_LOOKS: Final = 6
"""How often a group of rows is looked at again because other writers came first."""


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
        self._learners = Learners(
            self._client, settings, store_email=store_email, probe=probe.learners
        )
        self._rows = ProgressRows(self._client, settings, probe.progress)

    def record(self, completions: Sequence[Completion]) -> list[Outcome]:
        emails = {completion.identity: completion.email for completion in reversed(completions)}
        resolved = self._learners.resolve(emails)
        batch = Batch(completions)
        batch.refuse(resolved.refused)
        groups = list(rectangles(batch.pending))
        spread(
            lambda group: self._record_group(batch, group, resolved),
            groups,
            self._settings.connections,
        )
        return batch.outcomes()

    def progress(self, identity: Identity) -> list[Progress]:
        learner = self._learners.find([identity]).get(identity)
        return [] if learner is None else self._rows.of_learner(identity, learner)

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
        return learner_as_json(learner, self._rows.of_learner(identity, learner.id))

    def erase(self, identity: Identity) -> bool:
        failure: StoreError = StoreUnavailable("the learner was not erased")
        for _ in range(_LOOKS):
            learner = self._learners.find([identity]).get(identity)
            self._learners.forget([identity])
            if learner is None:
                return False
            self._rows.erase(learner)
            try:
                self._learners.erase(learner)
            except DirectusRefusal as refusal:
                failure = self._why_kept(identity, learner, refusal)
            else:
                return True
        raise failure

    def check(self) -> list[Finding]:
        return check(self._client, self._names)

    def close(self) -> None:
        self._client.close()

    def _why_kept(self, identity: Identity, learner: int, refusal: DirectusRefusal) -> StoreError:
        """Why a learner's row is not removed although their progress was.

        Directus gives a foreign key of another table as 500, as it does its own failures.
        """
        if self._rows.of_learner(identity, learner):
            return StoreUnavailable("other writers keep recording for this learner")
        path = f"/items/{self._names.learners}"
        if refusal.code is None:
            return StoreUnavailable(f"{path}: {refusal}")
        return StoreMisconfigured(
            f"{path}: {refusal} although no progress is left; another table refers to this "
            "learner: remove its rows first, or give its foreign key ON DELETE CASCADE"
        )

    def _record_group(self, batch: Batch, group: Sequence[Key], resolved: Resolved) -> None:
        """Record the completions of these rows, looking again as long as others interfere."""
        pending, ids, fresh = list(group), dict(resolved.ids), resolved.fresh
        for look in range(_LOOKS):
            held = self._rows.read([row for row in pending if row[0] not in fresh], ids)
            changes = batch.merge(pending, held)
            written = self._rows.insert(changes.create, ids, insist=look > 1)
            if changes.replace:
                written.add(self._replace(changes.replace, held, ids, look))
            pending = batch.settle(pending, changes, written)
            if not pending:
                return
            if written.orphaned:
                ids |= self._resolve_again(pending)
            fresh = set()
        clashes = {row: clash for row, clash in written.clashes.items() if row in pending}
        refused = self._rows.refused(clashes, ids)
        batch.refuse_rows(refused)
        if len(refused) < len(pending):
            raise StoreUnavailable("other writers keep changing these rows")

    def _replace(
        self, new: Mapping[Key, Progress], held: Held, ids: Mapping[Identity, int], look: int
    ) -> Written[Key]:
        """Replace the rows.

        Directus answers 403 for a missing right, but also when the learner is gone, or when
        another writer takes the old row away between its own look and its delete.
        """
        try:
            return self._rows.replace(new, held, ids, insist=look > 1)
        except StoreMisconfigured:
            there = self._learners.find({identity for identity, _ in new})
            gone = any(there.get(identity) != ids[identity] for identity, _ in new)
            if look == _LOOKS - 1 and not gone:
                raise
            return Written(orphaned=gone)

    def _resolve_again(self, rows: Iterable[Key]) -> dict[Identity, int]:
        """The keys of these learners, who were erased behind the cache's back."""
        identities = {identity for identity, _ in rows}
        self._learners.forget(identities)
        return self._learners.resolve(dict.fromkeys(identities)).ids


class Batch:
    """The completions of one `record`, by the rows that they are about: which are settled, and how.

    Threads may each work on rows of their own at the same time.
    """

    def __init__(self, completions: Sequence[Completion]) -> None:
        self._completions = completions
        self._outcomes: list[Outcome | None] = [None] * len(completions)
        self.pending: dict[Key, list[int]] = {}
        for position, completion in enumerate(completions):
            self.pending.setdefault(key(completion), []).append(position)

    def outcomes(self) -> list[Outcome]:
        """One for each completion, in order."""
        return [outcome for outcome in self._outcomes if outcome is not None]

    def refuse(self, learners: Mapping[Identity, str]) -> None:
        """Reject all completions of these learners, who cannot be created."""
        rows = {row: learners[row[0]] for row in self.pending if row[0] in learners}
        self.refuse_rows(rows)
        for row in rows:
            del self.pending[row]

    def refuse_rows(self, rows: Mapping[Key, str]) -> None:
        """Reject all completions of these rows."""
        for row, reason in rows.items():
            for position in self.pending[row]:
                self._outcomes[position] = Outcome.rejected(reason)

    def merge(self, rows: Iterable[Key], held: Held) -> Changes:
        """What the completions of these rows change, given what is recorded."""
        return merge(
            [self._completions[position] for row in rows for position in self.pending[row]],
            {row: progress for row, (_, progress) in held.items()},
        )

    def settle(self, rows: Sequence[Key], changes: Changes, written: Written[Key]) -> list[Key]:
        """Note the outcomes of what is done; the rows that need another look are given."""
        left = []
        outcomes = iter(changes.outcomes)
        for row in rows:
            coming = [(position, next(outcomes)) for position in self.pending[row]]
            if row in written.refused:
                self.refuse_rows({row: written.refused[row]})
            elif row in written.keys or not (row in changes.create or row in changes.replace):
                for position, outcome in coming:
                    self._outcomes[position] = outcome
            else:
                left.append(row)
        return left
