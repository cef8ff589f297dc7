"""The SQLite outbox, against SQLite by hand, against other queues on SQLite, and full of items."""

from __future__ import annotations

import itertools
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from huey import SqliteHuey
from persistqueue import SQLiteAckQueue

from bridge.config import OutboxSettings
from bridge.model import Completion, Identity, Origin
from bridge.outbox.sqlite import SQLiteOutbox
from bridge.outbox.sqlite.connection import PRAGMAS
from tests.bench.bed import Bed
from tests.bench.measure import Bench, Result, Rival, Side, compare, rate

THREADS: Final = 16
BATCH: Final = 500
"""Items of one lease, as the delivery takes them."""

Put = Callable[[Completion], object]


def put(bed: Bed) -> Iterator[Result]:
    """Put one completion after the other, each on disk before the next."""
    completions = _completions(bed.count(1_000))
    with TemporaryDirectory(dir=bed.folder) as name, ExitStack() as stack:
        folder = Path(name)

        def side(made: tuple[Put, Callable[[], object]]) -> Side:
            one, close = made
            stack.callback(close)
            one(completions[0])  # files and tables are made
            return lambda _: rate(len(completions), lambda: _each(one, completions))

        yield from compare(
            "outbox-put",
            side(_ours(folder)),
            Rival(
                side=side(_by_hand(folder)),
                against="INSERT and commit, same pragmas, values ready",
                bar=0.8,
            ),
            Rival(
                side=side(_persist_queue(folder)),
                against="persist-queue SQLiteAckQueue",
                bar=1.0,
                suffix="-persist-queue",
            ),
            Rival(
                side=side(_huey(folder)),
                against="SqliteHuey(fsync=True)",
                bar=1.0,
                suffix="-huey",
            ),
            unit="puts/s",
            rounds=9,
        )


def put_threads(bed: Bed) -> Iterator[Result]:
    """Put by 16 threads, each one completion after the other, against one thread.

    On all processors, and on one: what a put of many threads costs beyond its commit is to wake one
    thread by another, which costs most when the other has to begin on an idle processor.
    """
    completions = _completions(bed.count(400))
    with TemporaryDirectory(dir=bed.folder) as folder, closing(_outbox(Path(folder))) as outbox:

        def of(threads: int) -> Side:
            return lambda _: _by_threads(threads, outbox, completions)

        for suffix, most in (("", None), ("-one-processor", 1)):
            with _processors(most):
                yield from compare(
                    f"outbox-put-threads{suffix}",
                    of(THREADS),
                    Rival(side=of(1), against="one thread", bar=3.0),
                    unit="puts/s",
                    rounds=5,
                )


def full(bed: Bed) -> Iterator[Result]:
    """Put, lease and counts with 1,000,000 waiting, against 1,000."""
    with TemporaryDirectory(dir=bed.folder) as name, ExitStack() as stack:
        outboxes = []
        for side, size in (("many", bed.count(1_000_000)), ("few", bed.count(1_000))):
            folder = Path(name) / side
            folder.mkdir()
            outboxes.append(stack.enter_context(closing(_filled(folder, size))))
        works: dict[str, Callable[[SQLiteOutbox], float]] = {
            "put": _time_put,
            "lease": _time_lease,
            "counts": _time_counts,
        }
        for work, timed in works.items():
            many, few = (_side(timed, outbox, bed.count(100)) for outbox in outboxes)
            yield from compare(
                f"outbox-full-{work}",
                many,
                Rival(side=few, against="the same with 1,000 waiting", bar=1.5),
                unit="ms",
                lower_is_better=True,
                rounds=5,
            )


def _ours(folder: Path) -> tuple[Put, Callable[[], object]]:
    outbox = _outbox(folder)
    return lambda completion: outbox.put([completion]), outbox.close


def _by_hand(folder: Path) -> tuple[Put, Callable[[], object]]:
    """Insert with as little as it takes to be as safe. The values are ready, always the same."""
    connection = sqlite3.connect(folder / "by-hand.db")
    for pragma in ("journal_mode = WAL", *PRAGMAS):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(
        "CREATE TABLE waiting (id INTEGER PRIMARY KEY, origin TEXT, external_user_id TEXT, "
        "grain_id TEXT, module_id TEXT, sequence_id TEXT, completed_at TEXT, put_at REAL)"
    )
    (sample,) = _completions(1)
    row = tuple(sample.as_dict().values())
    insert = """
        INSERT INTO waiting (origin, external_user_id, grain_id, module_id, sequence_id,
                             completed_at, put_at) VALUES (?, ?, ?, ?, ?, ?, ?)"""

    def one(_: Completion) -> None:
        connection.execute(insert, (*row, time.time()))
        connection.commit()

    return one, connection.close


def _persist_queue(folder: Path) -> tuple[Put, Callable[[], object]]:
    """Put into a queue without a pragma for safety, so with SQLite's default: FULL, as ours."""
    queue = SQLiteAckQueue(str(folder / "persist-queue"), multithreading=True)
    return lambda completion: queue.put(completion.as_dict()), queue.close


def _huey(folder: Path) -> tuple[Put, Callable[[], object]]:
    huey = SqliteHuey("bench", filename=str(folder / "huey.db"), fsync=True)

    @huey.task()
    def deliver(completion: Mapping[str, str]) -> None:
        """Do what huey's worker would run."""

    return lambda completion: deliver(completion.as_dict()), huey.storage.close


def _each(one: Put, completions: list[Completion]) -> None:
    for completion in completions:
        one(completion)


def _by_threads(threads: int, outbox: SQLiteOutbox, completions: list[Completion]) -> float:
    """Let each thread put all, so that its work is the same however many threads there are."""

    def put_all() -> float:
        with ThreadPoolExecutor(threads) as pool:
            jobs = [
                pool.submit(_each, lambda completion: outbox.put([completion]), completions)
                for _ in range(threads)
            ]
        return sum(job.result() is None for job in jobs)

    return rate(threads * len(completions), put_all)


@contextmanager
def _processors(most: int | None) -> Iterator[None]:
    """Run on so many processors at most, None for all. Threads inherit it from this one."""
    all_of_them = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(all_of_them)[:most])
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_of_them)


def _outbox(folder: Path) -> SQLiteOutbox:
    return SQLiteOutbox(OutboxSettings(url=f"sqlite:///{folder / 'outbox.db'}", timeout=60))


def _filled(folder: Path, size: int) -> SQLiteOutbox:
    outbox = _outbox(folder)
    completions = iter(_made())
    while size > 0:
        outbox.put(list(itertools.islice(completions, min(size, 10_000))))
        size -= 10_000
    return outbox


def _side(timed: Callable[[SQLiteOutbox], float], outbox: SQLiteOutbox, count: int) -> Side:
    """Return the median of a round, in ms, which leaves as many waiting as before."""
    return lambda _: 1000 * median(timed(outbox) for _ in range(count))


def _time_put(outbox: SQLiteOutbox) -> float:
    (completion,) = _completions(1)
    start = time.perf_counter()
    outbox.put([completion])
    return time.perf_counter() - start


def _time_lease(outbox: SQLiteOutbox) -> float:
    """Time the lease alone. What it took is put again afterwards, so the number waiting stays."""
    start = time.perf_counter()
    items = outbox.lease(BATCH, 60)
    elapsed = time.perf_counter() - start
    outbox.put([item.completion for item in items])
    outbox.done(items)
    return elapsed


def _time_counts(outbox: SQLiteOutbox) -> float:
    start = time.perf_counter()
    outbox.counts()
    return time.perf_counter() - start


def _completions(count: int) -> list[Completion]:
    return list(itertools.islice(_made(), count))


def _made() -> Iterator[Completion]:
    """Make completions, each of a learner of its own."""
    for number in itertools.count(1):
        yield Completion(Identity(Origin.MOODLE, number), "grain-1", "module-1", "sequence-1")


BENCHES: Final[Mapping[str, Bench]] = {
    "outbox-put": put,
    "outbox-put-threads": put_threads,
    "outbox-full": full,
}
