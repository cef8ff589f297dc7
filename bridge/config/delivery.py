"""The section ``delivery``: how completions go from the outbox to the store."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.config.fields import as_mapping, count, refuse_unknown, seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """How completions go from the outbox to the store. Times are in seconds.

    Attributes:
        batch: completions in a batch at most.
        age: how long a completion waits for others to share its batch, 5 at most; also how often an
            idle deliverer looks.
        connections: batches under way at once.
        backoff: the first wait is up to so long after the store was unavailable, each further
            one up to twice as long.
        backoff_max: the longest such wait.
        probe: how often a paused delivery tries whether the store is mended.
        lease: how long the completions of a deliverer that was killed stay with it. Those of a
            living one are renewed.
        grace: how long the batches under way have to end once delivery is asked to stop.
    """

    batch: int = 500
    age: float = 0.2
    connections: int = 4
    backoff: float = 0.5
    backoff_max: float = 60.0
    probe: float = 15.0
    lease: float = 60.0
    grace: float = 8.0


def delivery_settings(value: object) -> DeliverySettings:
    """The section, checked; the defaults when there is none.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    mapping = as_mapping("delivery", value or {})
    refuse_unknown("delivery.", mapping, DeliverySettings)
    default = DeliverySettings()
    times = ("age", "backoff", "backoff_max", "probe", "lease", "grace")
    return DeliverySettings(
        batch=count("delivery.batch", mapping, default.batch, 1, 5_000),
        connections=count("delivery.connections", mapping, default.connections, 1, 32),
        **{name: seconds(f"delivery.{name}", mapping, getattr(default, name)) for name in times},
    )
