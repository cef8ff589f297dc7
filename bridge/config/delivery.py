"""The section ``delivery``: how completions go from the outbox to the store."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.config.fields import as_seconds, checked, whole_number


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """How completions go from the outbox to the store. Times are in seconds.

    Attributes:
        batch: completions in a batch at most.
        age: how long a completion waits for others to share its batch, 5 at most. An idle deliverer
            looks as often.
        connections: batches under way at once.
        backoff: the first wait is up to so long after the store was unavailable, each further
            one up to twice as long.
        backoff_max: the longest such wait.
        probe: how often a paused delivery tries whether the store is mended.
        lease: how long the completions of a deliverer that was killed stay with it. Those of a
            living one are renewed.
        grace: how long the batches under way have to end once delivery is asked to stop.
    """

    batch: int = field(default=500, metadata=checked(whole_number(1, 5_000)))
    age: float = field(default=0.2, metadata=checked(as_seconds))
    connections: int = field(default=4, metadata=checked(whole_number(1, 32)))
    backoff: float = field(default=0.5, metadata=checked(as_seconds))
    backoff_max: float = field(default=60.0, metadata=checked(as_seconds))
    probe: float = field(default=15.0, metadata=checked(as_seconds))
    lease: float = field(default=60.0, metadata=checked(as_seconds))
    grace: float = field(default=8.0, metadata=checked(as_seconds))
