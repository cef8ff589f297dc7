"""Deliver all that is in an outbox; for tests in a process that has no deliverer.

deliver.py STORE OUTBOX
"""

import sys
import time

from bridge import Settings
from bridge.delivery.loop import Delivery
from bridge.outbox import open_outbox
from bridge.stores import open_store

store, outbox_url = sys.argv[1:]
settings = Settings.from_mapping(
    {
        "store": {"url": store},
        "outbox": {"url": outbox_url},
        "delivery": {"lease": 1.0},  # two leases later an erasure is looked at again, then done
    }
)
outbox = open_outbox(settings)
delivery = Delivery(outbox, open_store(settings), settings.delivery)
delivery.start()
end = time.monotonic() + 60
while (counts := outbox.counts()).waiting + counts.leased + counts.erasures:
    if time.monotonic() > end:
        sys.exit(f"not delivered: {counts}")
    time.sleep(0.05)
delivery.stop()
