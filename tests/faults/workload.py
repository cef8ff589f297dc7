"""What the producers put: completions that follow from a seed alone.

So the log of what was accepted needs no more than numbers, and a seed replays the same work.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bridge.model import Completion, Identity, Origin

REFUSED: Final = "refused"
"""What ids begin with that the base refuses (see `refuse_marked` in ``refuse.sql``)."""

_SINCE: Final = datetime(2020, 1, 1, tzinfo=UTC)
_PRIME: Final = 49_999_991
_STRIDE: Final = 7_919_999
_MOST_PUT: Final = 12
_GRAINS: Final = 12
_HOT: Final = 8


@dataclass(frozen=True)
class Workload:
    """All completions of a campaign, in chunks that are each put at once.

    Args:
        seed: of the campaign.
        count: completions in all, about.
        writers: how many share them.
        refused_every: one completion in so many is one that the base refuses.
    """

    seed: int
    count: int
    writers: int
    refused_every: int = 1000

    @property
    def share(self) -> int:
        """Return the number of completions of one writer."""
        return -(-self.count // self.writers)

    def chunks(self, writer: int) -> Iterator[list[Completion]]:
        """Yield the completions of one writer (0 to ``writers`` - 1), one `put` after another."""
        source = random.Random(f"{self.seed}/{writer}")  # the text: a tuple's hash is no seed
        done = 0
        while done < self.share:
            size = min(source.choice((1, 1, 2, 4, _MOST_PUT)), self.share - done)
            first = writer * self.share + done
            yield [self._completion(source, first + offset) for offset in range(size)]
            done += size

    def _completion(self, source: random.Random, number: int) -> Completion:
        """Make the completion of that number, of an instant of its own: one is the earliest."""
        learner = source.randrange(_HOT if source.random() < 0.05 else max(_HOT, self.count // 20))
        identity, grain = identity_of(learner), f"grain-{source.randrange(_GRAINS)}"
        if number % self.refused_every == self.seed % self.refused_every:
            identity, grain = self._refused(source, number, identity)
        return Completion(
            identity,
            grain,
            source.choice((None, f"module-{number}")),
            source.choice((None, f"sequence-{number}")),
            instant_of(number),
        )

    def _refused(
        self, source: random.Random, number: int, identity: Identity
    ) -> tuple[Identity, str]:
        """Make one that the base refuses: for its grain, in one of two ways, or for its learner."""
        kind = source.choice(("500", "400", "learner"))
        if kind == "learner":
            return Identity(Origin.FUNMOOC, f"{REFUSED}-{number}"), "grain-0"
        return identity, f"{REFUSED}-{kind}-{number}"


def is_refused(completion: Completion) -> bool:
    """Return whether the base refuses the completion."""
    ids = (completion.grain_id, completion.identity.external_user_id)
    return any(text.startswith(REFUSED) for text in ids)


def identity_of(number: int) -> Identity:
    """Return a learner, one in three of each origin."""
    origin = list(Origin)[number % len(Origin)]
    if origin is Origin.MOODLE:
        return Identity(origin, number + 1)
    digest = hashlib.sha256(str(number).encode()).digest()[:16]
    name = digest.hex() if origin is Origin.FUNMOOC else uuid.UUID(bytes=digest)
    return Identity(origin, name)


def instant_of(number: int) -> datetime:
    """Return an instant of its own for each number, in no order and long past."""
    return _SINCE + timedelta(seconds=number * _STRIDE % _PRIME)
