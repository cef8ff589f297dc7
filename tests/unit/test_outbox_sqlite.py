"""The outbox in a SQLite file: its file, its troubles, its clock, its shared commits."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import threading
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from bridge.errors import OutboxUnavailable
from bridge.outbox.sqlite import SQLiteOutbox
from tests.contract.learners import done, somebody
from tests.contract.outbox.conftest import Clock
from tests.unit.outbox_file import in_a_fork, locked, opened, put, wait_for

DAY: Final = 86_400


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_nothing_is_created_before_the_outbox_is_used(path: Path) -> None:
    outbox = opened(path)
    assert not path.exists()
    put(outbox)
    assert path.exists()


def test_only_its_owner_may_read_the_files(path: Path) -> None:
    put(opened(path))
    files = list(path.parent.glob("outbox.db*"))
    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_only_its_owner_may_read_a_linked_file(path: Path) -> None:
    (path.parent / "other").mkdir()
    target = path.parent / "other" / "real.db"
    path.symlink_to(target)
    put(opened(path))
    assert path.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_put_returns_when_all_is_on_disk(path: Path) -> None:
    """The pragmas say so: a power cut cannot be tested."""
    outbox = opened(path)
    put(outbox)
    connection = outbox._file._connection
    assert connection is not None
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_erase_leaves_the_learner_in_no_file(path: Path) -> None:
    outbox, gone = opened(path), somebody()
    outbox.put([done(gone, str(number)) for number in range(50)])
    leased = outbox.lease(10, 60)
    outbox.erase(gone)
    outbox.done(leased)
    outbox.erase(gone)
    words = gone.external_user_id.encode()
    assert [file for file in path.parent.iterdir() if words in file.read_bytes()] == []


def test_a_missing_folder_is_told_nothing_is_accepted(tmp_path: Path) -> None:
    outbox = opened(tmp_path / "nowhere" / "outbox.db")
    with pytest.raises(OutboxUnavailable, match=r"there is no folder .*/nowhere"):
        put(outbox)
    (finding,) = outbox.check()
    assert (finding.ok, finding.fatal) == (False, True)
    (tmp_path / "nowhere").mkdir()
    put(outbox)
    assert outbox.counts().waiting == 1


def test_a_read_only_folder_or_file_is_told() -> None:
    def child() -> None:
        if os.geteuid() == 0:  # root may write anywhere
            os.setresuid(65534, 65534, 65534)
        with pytest.raises(OutboxUnavailable, match=r"we may not write .*: it (belongs|is)"):
            put(opened(folder / "new.db"))
        with pytest.raises(OutboxUnavailable, match=r"we may not write .*made.db: it (belongs|is)"):
            put(opened(folder / "made.db"))

    with TemporaryDirectory() as name:  # which others can reach, unlike a tmp_path
        folder = Path(name)
        with closing(opened(folder / "made.db")) as outbox:
            put(outbox)
        (folder / "made.db").chmod(0o444)
        folder.chmod(0o555)
        try:
            assert in_a_fork(child) == 0
        finally:
            folder.chmod(0o700)


def test_a_locked_file_is_waited_for(path: Path) -> None:
    outbox = opened(path)
    put(outbox)
    with locked(path):
        thread = threading.Thread(target=put, args=(outbox,))
        thread.start()
        wait_for(lambda: len(outbox._commits._waiting) == 0)
        assert opened(path).counts().waiting == 1
    thread.join()
    assert outbox.counts().waiting == 2


def test_a_locked_file_accepts_nothing_until_free(path: Path) -> None:
    outbox = opened(path, timeout=0.05)
    put(outbox)
    with locked(path), pytest.raises(OutboxUnavailable, match=r"locked it for over 0\.05 s"):
        put(outbox)
    assert outbox.counts().waiting == 1
    put(outbox)
    assert outbox.counts().waiting == 2


def test_check_finds_a_full_disk_and_leaves_nothing(path: Path) -> None:
    outbox = opened(path)
    put(outbox)
    connection = outbox._file._connection
    assert connection is not None
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    (finding,) = outbox.check()
    assert (finding.ok, finding.fatal) == (False, True)
    assert "the disk is full" in finding.message
    connection.execute("PRAGMA max_page_count = 100000")
    (finding,) = outbox.check()
    assert finding.ok
    assert outbox.notes() == []
    assert outbox.counts().waiting == 1


def test_a_full_disk_accepts_nothing_and_loses_nothing(path: Path) -> None:
    outbox = opened(path)
    put(outbox)
    connection = outbox._file._connection
    assert connection is not None
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OutboxUnavailable, match="the disk is full"):
        outbox.put([done(somebody(), "x" * 200) for _ in range(100)])
    assert outbox.counts().waiting == 1
    connection.execute("PRAGMA max_page_count = 100000")
    put(outbox)
    assert outbox.counts().waiting == 2


def test_a_damaged_file_is_told_a_mended_used(path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)
    outbox = opened(path)
    with pytest.raises(OutboxUnavailable, match="no outbox, or damaged"):
        put(outbox)
    path.unlink()
    put(outbox)
    assert outbox.counts().waiting == 1


def test_a_file_damaged_while_open_is_closed(path: Path) -> None:
    outbox = opened(path)
    put(outbox)
    for file in path.parent.glob("outbox.db*"):
        file.write_bytes(b"not a database" * 1000)
    with pytest.raises(OutboxUnavailable, match=r"damaged|fails"):
        put(outbox)
    for file in path.parent.glob("outbox.db*"):
        file.unlink()
    put(outbox)
    assert outbox.counts().waiting == 1


def test_a_put_that_is_interrupted_leaves_nothing_behind(path: Path) -> None:
    ticks = iter([KeyboardInterrupt(), time.time()])

    def clock() -> float:
        tick = next(ticks)
        if isinstance(tick, KeyboardInterrupt):
            raise tick
        return tick

    outbox = opened(path, clock=clock)
    with pytest.raises(KeyboardInterrupt):
        put(outbox, "interrupted")
    put(outbox, "after")
    grains = [item.completion.grain_id for item in opened(path).lease(10, 60)]
    assert grains == ["after"]


def test_another_program_s_database_is_told(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE waiting (room TEXT)")
    with pytest.raises(OutboxUnavailable, match="no outbox"):
        put(opened(path))


def test_a_newer_version_s_file_is_left_alone(path: Path) -> None:
    put(opened(path))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(OutboxUnavailable, match="newer version"):
        put(opened(path))


def test_no_error_holds_anything_of_a_learner(path: Path) -> None:
    outbox, who = opened(path, timeout=0.01), somebody()
    outbox.counts()
    with locked(path), pytest.raises(OutboxUnavailable) as caught:
        outbox.put([done(who, "grain-1", email="a@example.org")])
    text = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__cause__.__cause__!r}"
    assert who.external_user_id[:8] not in text
    assert "a@example.org" not in text


def test_a_replaced_file_is_used(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.support.sqlite_files.LOOK_EVERY", 0)
    outbox = opened(path)
    put(outbox)
    for file in path.parent.glob("outbox.db*"):
        file.unlink()
    put(outbox, "new")
    with closing(opened(path)) as fresh:
        assert [item.completion.grain_id for item in fresh.lease(10, 60)] == ["new"]


def test_a_copy_of_the_file_is_an_outbox(path: Path) -> None:
    with closing(opened(path)) as outbox:
        put(outbox)
    shutil.copy(path, path.with_name("copy.db"))
    assert opened(path.with_name("copy.db")).counts().waiting == 1


def test_processes_opening_a_new_file_all_succeed(path: Path) -> None:
    start = threading.Barrier(8)
    outboxes = [opened(path) for _ in range(8)]

    def first(outbox: SQLiteOutbox) -> None:
        start.wait()
        put(outbox)

    threads = [threading.Thread(target=first, args=(outbox,)) for outbox in outboxes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outboxes[0].counts().waiting == 8


@pytest.mark.parametrize("jump", [-DAY, -1, DAY])
def test_a_clock_that_jumps_extends_no_lease(path: Path, clock: Clock, jump: int) -> None:
    outbox = opened(path, clock=clock)
    put(outbox)
    outbox.lease(1, 60)
    clock.go(jump)
    items = outbox.lease(1, 60)
    assert [item.attempts for item in items] == [2]
    clock.go(59)
    assert outbox.lease(1, 60) == []
    assert outbox.done(items) == 1


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_clock_that_jumps_makes_no_delay_longer(path: Path, clock: Clock, jump: int) -> None:
    outbox = opened(path, clock=clock)
    put(outbox)
    outbox.give_back(outbox.lease(1, 60), delay=60)
    clock.go(jump)
    assert len(outbox.lease(1, 60)) == 1


def test_a_clock_ahead_for_a_while_loses_nothing(path: Path, clock: Clock) -> None:
    outbox = opened(path, clock=clock)
    put(outbox, "before")
    clock.go(DAY)
    put(outbox, "ahead")
    outbox.lease(1, 60)
    clock.go(-DAY)
    put(outbox, "after")
    assert outbox.counts().leased == 0
    assert outbox.counts().oldest == 0
    grains = [item.completion.grain_id for item in outbox.lease(10, 60)]
    assert grains == ["before", "ahead", "after"]


def test_more_than_a_batch_due_comes_in_batches(path: Path, clock: Clock) -> None:
    outbox = opened(path, clock=clock)
    outbox.put([done(somebody(), str(number)) for number in range(30)])
    outbox.lease(10, 30)
    outbox.lease(10, 20)
    clock.go(60)
    seen = [item.completion.grain_id for _ in range(10) for item in outbox.lease(3, 600)]
    assert sorted(seen, key=int) == [str(number) for number in range(30)]


def tables(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()


AFTER = {1: "DROP TABLE erasures; DROP TABLE store;", 2: "DROP TABLE store;"}


def of_version(path: Path, version: int) -> None:
    """Take from the file what came after this version."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"{AFTER[version]} PRAGMA user_version = {version};")


@pytest.mark.parametrize("version", AFTER)
def test_an_older_versions_file_is_upgraded_in_place(path: Path, version: int) -> None:
    with closing(opened(path)) as outbox:
        outbox.put([done(somebody(), grain) for grain in "abc"])
        outbox.lease(1, 60)
    fresh = tables(path)
    of_version(path, version)
    assert tables(path) != fresh
    with closing(opened(path)) as outbox:
        assert (outbox.counts().waiting, outbox.counts().leased) == (2, 1)
        outbox.request_erasure(somebody())
        assert outbox.counts().erasures == 1
    assert tables(path) == fresh


def test_processes_upgrading_a_file_all_succeed(path: Path) -> None:
    with closing(opened(path)) as outbox:
        put(outbox)
    of_version(path, 1)
    start = threading.Barrier(8)
    outboxes = [opened(path) for _ in range(8)]

    def first(outbox: SQLiteOutbox) -> None:
        start.wait()
        outbox.request_erasure(somebody())

    threads = [threading.Thread(target=first, args=(outbox,)) for outbox in outboxes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outboxes[0].counts().waiting, outboxes[0].counts().erasures) == (1, 8)


def test_erasure_done_leaves_the_learner_in_no_file(path: Path) -> None:
    outbox, gone = opened(path), somebody()
    outbox.put([done(gone)])
    outbox.request_erasure(gone)
    outbox.put([done(gone)])
    assert outbox.lease(10, 60) == []
    (request,) = outbox.lease_erasures(1, 60)
    assert outbox.erasure_done(request)
    words = gone.external_user_id.encode()
    assert [file for file in path.parent.iterdir() if words in file.read_bytes()] == []


def test_another_versions_learner_stays_and_blocks_nobody(path: Path) -> None:
    outbox, who = opened(path), somebody()
    outbox.request_erasure(who)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO erasures VALUES ('lti', 'x y', 0, 0, 0, '', 0, 0)")
    (request,) = outbox.lease_erasures(10, 60)
    assert request.identity == who
    assert outbox.erasure_done(request)
    assert outbox.counts().erasures == 1


@pytest.mark.parametrize("jump", [-DAY, -1, DAY])
def test_a_clock_that_jumps_delays_no_erasure(path: Path, clock: Clock, jump: int) -> None:
    outbox = opened(path, clock=clock)
    outbox.request_erasure(somebody())
    outbox.put_off_erasure(outbox.lease_erasures(1, 60)[0], 60)
    clock.go(jump)
    assert len(outbox.lease_erasures(1, 60)) == 1
    assert outbox.counts().oldest_erasure == max(0, jump)


def test_looking_for_requests_waits_for_no_lock(path: Path) -> None:
    outbox = opened(path, timeout=0.01)
    put(outbox)
    with locked(path):
        assert outbox.lease_erasures(10, 60) == []
