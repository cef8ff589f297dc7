"""The SQLite outbox among threads and forked processes: shared commits, interruptions."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.errors import OutboxUnavailable
from bridge.outbox.sqlite.group_commit import GroupCommit
from tests.unit.outbox_file import in_a_fork, locked, opened, put, wait_for


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def test_puts_that_wait_share_one_commit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox, sizes = opened(path, timeout=60), []
    put(outbox)
    commit = outbox._commits._commit

    def told(rows: Sequence[object]) -> None:
        sizes.append(len(rows))
        commit(rows)

    monkeypatch.setattr(outbox._commits, "_commit", told)
    threads = [threading.Thread(target=put, args=(outbox,)) for _ in range(16)]
    with locked(path):
        threads[0].start()
        wait_for(lambda: sizes == [1])  # it is at the lock; the others wait behind it
        for thread in threads[1:]:
            thread.start()
        wait_for(lambda: len(outbox._commits._waiting) == 15)
    for thread in threads:
        thread.join()
    assert sizes == [1, 15]
    assert outbox.counts().waiting == 17


def test_who_comes_during_a_commit_shares_the_next() -> None:
    may_end, sizes = threading.Semaphore(0), []

    def commit(rows: Sequence[int]) -> None:
        sizes.append(len(rows))
        assert may_end.acquire(timeout=60)

    group: GroupCommit[int] = GroupCommit(threading.Lock(), commit)
    threads = [threading.Thread(target=group.add, args=([number],)) for number in range(3)]
    threads[0].start()
    wait_for(lambda: sizes == [1])
    for thread in threads[1:]:
        thread.start()
    wait_for(lambda: len(group._waiting) == 2)
    may_end.release(2)
    for thread in threads:
        thread.join()
    assert sizes == [1, 2]


def test_a_caller_who_is_alone_commits_at_once() -> None:
    sizes: list[int] = []
    group: GroupCommit[int] = GroupCommit(threading.Lock(), lambda rows: sizes.append(len(rows)))
    for number in range(10):
        group.add([number])
    assert sizes == [1] * 10


def test_when_a_shared_commit_fails_everybody_is_told(path: Path) -> None:
    outbox, told, threads = opened(path, timeout=1.0), [], []
    put(outbox)

    def try_to_put() -> None:
        with pytest.raises(OutboxUnavailable, match="locked"):
            put(outbox)
        told.append(True)

    with locked(path):
        for number in range(5):
            threads.append(threading.Thread(target=try_to_put))
            threads[-1].start()
            wait_for(lambda number=number: len(outbox._commits._waiting) <= number)
        for thread in threads:
            thread.join()
    assert len(told) == 5
    assert outbox.counts().waiting == 1


def test_an_interrupted_put_keeps_nobody_else_waiting(path: Path) -> None:
    outbox, main = opened(path), threading.get_ident()
    put(outbox)
    with locked(path):
        first = threading.Thread(target=put, args=(outbox,))
        first.start()
        wait_for(outbox._file.lock.locked)
        wait_for(lambda: not outbox._commits._waiting)

        def interrupt() -> None:
            wait_for(lambda: len(outbox._commits._waiting) == 1)
            signal.pthread_kill(main, signal.SIGINT)

        interrupter = threading.Thread(target=interrupt)
        interrupter.start()
        with pytest.raises(KeyboardInterrupt):
            put(outbox, "interrupted")
    for thread in (first, interrupter):
        thread.join()
    put(outbox)
    assert outbox.counts().waiting == 3


def test_who_is_interrupted_during_a_commit_delays_nobody() -> None:
    may_end, main = [threading.Event(), threading.Event()], threading.get_ident()
    commits: list[Sequence[int]] = []

    def commit(rows: Sequence[int]) -> None:
        commits.append(rows)
        assert may_end[len(commits) - 1].wait(60)

    group: GroupCommit[int] = GroupCommit(threading.Lock(), commit)
    threads = [threading.Thread(target=group.add, args=([number],)) for number in range(3)]

    def lead_and_interrupt() -> None:
        wait_for(lambda: len(group._waiting) == 2)
        threads[2].start()  # it waits behind the one to be interrupted
        wait_for(lambda: len(group._waiting) == 3)
        may_end[0].set()
        wait_for(lambda: len(commits) == 2)  # with all but the first caller in it
        signal.pthread_kill(main, signal.SIGINT)

    threads[0].start()
    wait_for(lambda: len(commits) == 1)
    threads[1].start()
    wait_for(lambda: len(group._waiting) == 1)
    interrupter = threading.Thread(target=lead_and_interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        group.add([99])
    may_end[1].set()
    for thread in (*threads, interrupter):
        thread.join(60)
        assert not thread.is_alive()
    assert commits == [[0], [1, 99, 2]]


def test_an_interrupted_commit_is_told_to_all() -> None:
    may_begin, commits, told = threading.Event(), [], []

    def commit(rows: Sequence[int]) -> None:
        commits.append(rows)
        if len(commits) == 1:
            assert may_begin.wait(60)
        if len(commits) == 2:
            raise KeyboardInterrupt

    def add(number: int) -> None:
        try:
            group.add([number])
        except (OutboxUnavailable, KeyboardInterrupt) as error:
            told.append((type(error), str(error)))

    group: GroupCommit[int] = GroupCommit(threading.Lock(), commit)
    threads = [threading.Thread(target=add, args=(number,)) for number in range(3)]
    for number, thread in enumerate(threads):
        thread.start()
        wait_for(lambda number=number: (len(commits), len(group._waiting)) == (1, number))
    may_begin.set()
    for thread in threads:
        thread.join(60)
    interrupted = (OutboxUnavailable, "the commit was interrupted")
    assert sorted(told, key=str) == sorted([(KeyboardInterrupt, ""), interrupted], key=str)
    group.add([3])
    assert commits == [[0], [1, 2], [3]]


def test_who_is_interrupted_before_committing_lets_the_next() -> None:
    lock, main = threading.Lock(), threading.get_ident()
    commits: list[Sequence[int]] = []
    group: GroupCommit[int] = GroupCommit(lock, commits.append)
    behind = threading.Thread(target=group.add, args=([1],))

    def interrupt() -> None:
        wait_for(lambda: len(group._waiting) == 1)  # the main thread leads, and waits for the lock
        behind.start()
        wait_for(lambda: len(group._waiting) == 2)
        signal.pthread_kill(main, signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    with lock:
        interrupter.start()
        with pytest.raises(KeyboardInterrupt):
            group.add([0])
    for thread in (interrupter, behind):
        thread.join(60)
        assert not thread.is_alive()
    assert commits == [[1]]


def test_who_waits_commits_in_turn_after_a_failure(path: Path) -> None:
    outbox = opened(path, timeout=0.3)
    put(outbox)
    with locked(path), pytest.raises(OutboxUnavailable):
        put(outbox)
    threads = [threading.Thread(target=put, args=(outbox,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outbox.counts().waiting == 9


def test_a_forked_child_and_parent_share_the_outbox(path: Path) -> None:
    outbox = opened(path)
    put(outbox)

    def child() -> None:
        assert outbox._file._connection is None  # a parent's connection is of no use to a child
        put(outbox)
        assert outbox.counts().waiting == 2
        assert outbox.done(outbox.lease(1, 60)) == 1

    assert in_a_fork(child) == 0
    put(outbox)
    assert outbox.counts().waiting == 2


def test_a_fork_during_other_threads_puts_harms_neither(path: Path) -> None:
    outbox, over = opened(path, timeout=30), threading.Event()
    puts = [0, 0, 0]

    def keep_putting(thread: int) -> None:
        while not over.is_set():
            put(outbox)
            puts[thread] += 1

    threads = [threading.Thread(target=keep_putting, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: min(puts) > 2)
        assert [in_a_fork(lambda: put(outbox)) for _ in range(5)] == [0] * 5
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert outbox.counts().waiting == sum(puts) + 5
