"""The SQL store's SQLite file: forks, files that are replaced, threads that want it at once."""

from __future__ import annotations

import multiprocessing
import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
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


def as_nobody(url: str, act: str) -> list[str]:
    """Return what a store says when another user asks: the findings of `check`, or an error."""
    code = f"""
import os
from bridge.config import StoreSettings
from bridge.stores.sql import SQLStore
from bridge import Completion, Identity, StoreMisconfigured
store = SQLStore(StoreSettings(url={url!r}))
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    if {act!r} == "check":
        print(*[f"{{x.message}} | {{x.remedy}}" for x in store.check() if not x.ok], sep="\\n")
    else:
        store.record([Completion(Identity("moodle", 1), "g")])
except StoreMisconfigured as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Make a folder that every user may look into."""
    folder = Path(tempfile.mkdtemp(prefix="bridge-sqlite-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("act", ["check", "record"])
@pytest.mark.parametrize("which", ["", "-wal", "-shm", "folder"])
def test_whose_file_it_is_and_who_asks_is_told(open_folder: Path, which: str, act: str) -> None:
    path = open_folder / "progress.db"
    with closing(opened(path)) as store:
        if which != "folder":
            store.record([done(somebody())])
            for end in ("", "-wal", "-shm"):
                Path(f"{path}{end}").chmod(0o666)
        closed = open_folder if which == "folder" else Path(f"{path}{which}")
        open_folder.chmod(0o777)
        closed.chmod(0o555 if closed.is_dir() else 0o444)
        (said,) = as_nobody(f"sqlite:///{path}", act)
    owner = pwd.getpwuid(os.geteuid()).pw_name
    assert f"we may not write {closed}" in said
    assert owner in said
    assert "`chown" in said or "`chmod" in said
