"""From the outbox to the store, until it is there.

One thread leases and watches (`bridge.delivery.loop`), one thread for each batch under way records
it. What a batch's end means for the next ones is `bridge.delivery.throttle`'s, who is to blame for
an unforeseen error `bridge.delivery.isolation`'s.

A deliverer may be killed at any moment: what it had not acknowledged goes to whoever asks once its
leases are over, and to record a completion again changes nothing.

Nothing is imported here: whoever waits for a completion reads `bridge.delivery.status`, also where
what the loop needs is not installed.
"""
