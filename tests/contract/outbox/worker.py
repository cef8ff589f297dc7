"""Another process on an outbox: ``python -m tests.contract.outbox.worker WHAT URL PREFIX NAME``.

WHAT is put or take. What it has done is written to standard output, a line each, at once: what was
not written before the process was killed was not promised either.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Final

from bridge.config import OutboxSettings
from bridge.model import Identity
from bridge.outbox import Outbox
from bridge.outbox.redis import RedisOutbox
from bridge.outbox.sqlite import SQLiteOutbox
from tests.contract.learners import done

WHO: Final = Identity("moodle", 1)
THREADS: Final = 3


def put_for_ever(outbox: Outbox, name: str) -> None:
    """Put batches of 1, 2 and 3 in turns, and tell each when it is accepted."""
    number = 0
    while True:
        number += 1
        size = number % 3 + 1
        outbox.put([done(WHO, f"{name}.{number}.{size}.{part}") for part in range(size)])
        os.write(1, f"{name}.{number}.{size}\n".encode())


def take_all(outbox: Outbox) -> None:
    """Deliver until nothing is left, once told to go, and tell what."""
    os.write(1, b"ready\n")
    sys.stdin.readline()
    while items := outbox.lease(7, 600):
        if outbox.done(items) != len(items):
            sys.exit("lost a lease")
        os.write(1, "".join(f"{item.completion.grain_id}\n" for item in items).encode())


def main() -> None:
    what, url, prefix, name = sys.argv[1:]
    settings = OutboxSettings(url=url, prefix=prefix, timeout=60)
    outbox = (SQLiteOutbox if settings.scheme == "sqlite" else RedisOutbox)(settings)
    if what == "take":
        take_all(outbox)
        return
    threads = [
        threading.Thread(target=put_for_ever, args=(outbox, f"{name}-{number}"), daemon=True)
        for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
