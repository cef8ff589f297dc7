"""From the outbox to the store, until it is there: the delivery loop.

One thread leases and watches (`Delivery.run`), one thread for each batch under way records it. What
a batch's end means for the next ones is `bridge.delivery.pace`'s, who is to blame for an unforeseen
error `bridge.delivery.batch`'s.

A deliverer may be killed at any moment: what it had not acknowledged goes to whoever asks once its
leases are over, and to record a completion again changes nothing.
"""

from bridge.delivery.loop import Delivery

__all__ = ["Delivery"]
