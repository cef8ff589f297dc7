"""The SQL store's SQLite file: forks, files that are replaced, threads that want it at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from bridge import Identity, Status, StoreUnavailable
from bridge.config import StoreSettings
from bridge.stores.sql import SQLStore
from tests.contract.learners import done, somebody

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "progress.db"


def opened(path: Path, **settings: Any) -> SQLStore:
    return SQLStore(StoreSettings(url=f"sqlite:///{path}", **settings))


def grains(path: Path, who: Identity) -> set[str]:
    with closing(opened(path)) as store:
        return {row.grain_id for row in store.progress(who)}


def record_then_die(store: SQLStore, who: Identity, pipe: Connection) -> None:
    store.record([done(who, "before")])
    pipe.send("recorded")
    pipe.recv()
    store.record([done(who, "after")])
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_child_recorded_is_there(
    path: Path,
) -> None:
    who, (ours, theirs) = somebody(), FORK.Pipe()
    store = opened(path)
    store.record([done(who, "parents")])
    child = FORK.Process(target=record_then_die, args=(store, who, theirs))
    child.start()
    assert ours.recv() == "recorded"
    store.close()
    ours.send("go on")
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    assert grains(path, who) == {"parents", "before", "after"}


def record_and_leave(store: SQLStore, who: Identity) -> None:
    store.record([done(who, f"grain-{os.getpid()}")])


def test_children_forked_while_threads_record_can_record(path: Path) -> None:
    who, over = somebody(), Event()

    def busy() -> None:
        while not over.is_set():
            store.record([done(somebody())])

    with closing(opened(path)) as store:
        threads = [Thread(target=busy) for _ in range(2)]
        for thread in threads:
            thread.start()
        children = [FORK.Process(target=record_and_leave, args=(store, who)) for _ in range(10)]
        for child in children:
            child.start()
        for child in children:
            child.join(60)
        over.set()
        for thread in threads:
            thread.join()
    assert [child.exitcode for child in children] == [0] * 10
    assert len(grains(path, who)) == 10


@pytest.mark.parametrize("back", [True, False], ids=["replaced", "removed"])
def test_a_replaced_file_is_the_one_recorded_into(
    path: Path, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    monkeypatch.setattr("bridge.support.sqlite_files.LOOK_EVERY", 0.0)
    who = somebody()
    with closing(opened(path)) as store:
        store.record([done(who, "old")])
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("VACUUM INTO ?", [f"{path}.backup"])
        for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            name.unlink(missing_ok=True)
        if back:
            Path(f"{path}.backup").rename(path)
        assert store.record([done(who, "new")])[0].status is Status.CREATED
        assert grains(path, who) == ({"old", "new"} if back else {"new"})


def test_waiting_for_another_thread_ends_in_time(path: Path) -> None:
    with closing(opened(path, read_timeout=0.2)) as store:
        store.record([done(somebody())])
        assert store._file is not None
        with store._file.exclusive(), pytest.raises(StoreUnavailable, match="busy for over"):
            store.record([done(somebody())])
