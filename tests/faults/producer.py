"""A process that puts completions into the outbox: ``python -m tests.faults.producer …``.

Two writers, each a thread with a ledger of its own, so that commits are shared. The campaign says
on standard input how far they may go: ``120`` is up to 120 completions of each writer's share. At
the end of standard input each writer finishes what it was allowed.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path
from typing import Final

from bridge.config import Settings
from bridge.errors import OutboxUnavailable
from bridge.model import Completion
from bridge.outbox import Outbox, open_outbox
from tests.faults import clock, ledger
from tests.faults.ledger import Ledger
from tests.faults.workload import Workload

WRITERS: Final = 2
"""Writers in one process."""

_AGAIN: Final = 0.05  # a web server would answer its client 503, who would try again


class Allowance:
    """How far the writers may go, which only grows."""

    def __init__(self) -> None:
        self._limit = 0
        self._closed = False
        self._changed = threading.Condition()

    def listen(self) -> None:
        """Read standard input to its end."""
        for line in sys.stdin:
            with self._changed:
                self._limit = max(self._limit, int(line))
                self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_for(self, count: int) -> bool:
        """Wait until ``count`` completions are allowed, and return False if they never are."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or count <= self._limit)
            return count <= self._limit


def write(
    outbox: Outbox, workload: Workload, writer: int, path: Path, allowance: Allowance
) -> None:
    """Put one writer's chunks, from the first one that was never begun.

    What was under way when the process was killed is not put again: so it can be told whether the
    outbox kept it whole or not at all.
    """
    done = 0
    first = ledger.read(path).next
    with Ledger(path) as book:
        for number, chunk in enumerate(workload.chunks(writer)):
            done += len(chunk)
            if number < first:
                continue
            if not allowance.wait_for(done):
                return
            put(outbox, book, number, chunk)


def put(outbox: Outbox, book: Ledger, number: int, chunk: list[Completion]) -> None:
    """Put the chunk, again and again until the outbox takes it."""
    while True:
        book.trying(number)
        try:
            outbox.put(chunk)
        except OutboxUnavailable:
            time.sleep(_AGAIN)
        else:
            book.accepted(number)
            return


def ledger_path(folder: Path, writer: int | str) -> Path:
    """Return where a writer's ledger is."""
    return folder / f"ledger-{writer}"


def main() -> int:
    """Run two writers to the end of what they are allowed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--clock", type=Path, required=True)
    parser.add_argument("--first-writer", type=int, required=True)
    for name in ("seed", "count", "writers", "refused-every"):
        parser.add_argument(f"--{name}", type=int, required=True)
    asked = parser.parse_args()
    clock.follow([asked.clock])
    workload = Workload(asked.seed, asked.count, asked.writers, asked.refused_every)
    outbox = open_outbox(Settings.load(asked.config))
    allowance = Allowance()
    threads = [
        threading.Thread(
            target=write,
            args=(outbox, workload, writer, ledger_path(asked.folder, writer), allowance),
        )
        for writer in range(asked.first_writer, asked.first_writer + WRITERS)
    ]
    for thread in threads:
        thread.start()
    allowance.listen()
    for thread in threads:
        thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
