"""What the SQLite outbox says of a disk that is full, read-only, limited, or somebody else's."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner

from bridge.cli import cli
from bridge.config import ENVIRONMENT
from bridge.delivery.loop import Delivery
from bridge.delivery.status import State, overview
from bridge.errors import OutboxMisconfigured, OutboxUnavailable
from bridge.facade import Bridge
from bridge.outbox.sqlite import SQLiteOutbox
from bridge.service.readiness import Readiness
from bridge.stores.memory import MemoryStore
from tests.contract.learners import done, somebody
from tests.servers.small_disk import NoMount, SmallDisk, small_disk
from tests.unit.outbox_file import in_a_fork, opened, put

NOBODY = 65534


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A real disk of one megabyte."""
    try:
        with small_disk(tmp_path / "disk") as disk:
            yield disk
    except NoMount as error:
        pytest.skip(str(error))


@pytest.fixture
def outbox(disk: SmallDisk) -> Iterator[SQLiteOutbox]:
    """An outbox on it, with one completion."""
    with closing(opened(disk.folder / "outbox.db")) as outbox:
        put(outbox)
        yield outbox


def refused(outbox: SQLiteOutbox) -> OutboxUnavailable:
    """What a put of several pages is refused with."""
    with pytest.raises(OutboxUnavailable) as caught:
        outbox.put([done(somebody(), "x" * 200) for _ in range(500)])
    return caught.value


def test_a_full_disk_is_named_and_freed_used(disk: SmallDisk, outbox: SQLiteOutbox) -> None:
    disk.fill()
    error = refused(outbox)
    assert "outbox.db: no space left on its disk" in str(error)
    assert error.remedy
    (finding,) = outbox.check()
    assert (finding.fatal, "no space left" in finding.message) == (True, True)
    disk.free()
    put(outbox)
    assert outbox.counts().waiting == 2
    assert all(finding.ok for finding in outbox.check())


def test_status_names_the_full_disk_not_the_deliverer(
    disk: SmallDisk, outbox: SQLiteOutbox
) -> None:
    disk.fill()
    refused(outbox)
    found = overview(outbox)
    assert found.state is State.RETRYING
    assert "no space left on its disk" in found.why
    assert "free space" in found.remedy
    disk.free()
    assert overview(outbox).state is State.STOPPED


def test_status_of_another_process_names_it_too(
    disk: SmallDisk, outbox: SQLiteOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in (*ENVIRONMENT, "PROGRESS_BRIDGE_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    url = f"sqlite:///{disk.folder}/outbox.db"
    environment = {"PROGRESS_BRIDGE_STORE_URL": "memory:", "PROGRESS_BRIDGE_OUTBOX_URL": url}
    outbox.close()  # its -wal and -shm are gone: even to read needs space now
    disk.fill()
    said = CliRunner().invoke(cli, ["status"], env=environment)
    assert said.exit_code == 3
    assert "no space left on its disk" in said.output
    checked = CliRunner().invoke(cli, ["check", "--json"], env=environment)
    assert "no space left" in json.dumps(json.loads(checked.output))


def test_readiness_and_log_name_the_full_disk(
    disk: SmallDisk, outbox: SQLiteOutbox, caplog: pytest.LogCaptureFixture
) -> None:
    disk.fill()
    refused(outbox)
    said = Readiness(Bridge(MemoryStore(), outbox))._probe_outbox()
    assert said.startswith("unavailable: it takes no completions (no space left on its disk)")
    assert str(disk.folder) not in said
    Delivery(outbox, MemoryStore()).step()
    assert any("no space left" in line for line in caplog.messages)


def test_a_disk_remounted_read_only_is_told(disk: SmallDisk, outbox: SQLiteOutbox) -> None:
    outbox.close()  # a disk with files open for writing is not remounted
    disk.remount("ro")
    with closing(opened(disk.folder / "outbox.db")) as again:
        try:
            error = refused(again)
            assert isinstance(error, OutboxMisconfigured)
            assert "is read-only" in str(error)
            (finding,) = again.check()
            assert "remount" in finding.remedy
        finally:
            disk.remount("rw")
        put(again)
        assert again.counts().waiting == 2


def test_a_file_size_limit_is_told(tmp_path: Path) -> None:
    def child() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        outbox = opened(tmp_path / "outbox.db")
        with pytest.raises(OutboxUnavailable, match=r"no file over 300000 bytes \(ulimit -f\)"):
            outbox.put([done(somebody(), "x" * 200) for _ in range(3000)])
        assert outbox.counts().waiting == 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        found = overview(outbox)
        assert (found.state, "ulimit -f" in found.why) == (State.PAUSED, True)

    with closing(opened(tmp_path / "outbox.db")) as outbox:
        put(outbox)
    assert in_a_fork(child) == 0


def as_nobody(work: Callable[[], None]) -> None:
    """Do it in a process that is not root's."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a file for somebody else")

    def child() -> None:
        os.setresuid(NOBODY, NOBODY, NOBODY)
        work()

    assert in_a_fork(child) == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others can reach, unlike a `tmp_path`."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_file_that_root_made_is_told(folder: Path) -> None:
    with closing(opened(folder / "outbox.db")) as outbox:
        put(outbox)
    os.chown(folder, NOBODY, NOBODY)

    def work() -> None:
        error = refused(opened(folder / "outbox.db"))
        assert isinstance(error, OutboxMisconfigured)
        assert "outbox.db: it belongs to root (mode 0600), and nobody asks" in str(error)
        assert error.remedy.startswith("`chown nobody ")
        (finding,) = opened(folder / "outbox.db").check()
        assert "belongs to root" in finding.message

    as_nobody(work)


def test_a_folder_of_another_owner_is_told(folder: Path) -> None:
    def work() -> None:
        error = refused(opened(folder / "outbox.db"))
        assert f"{folder}: it belongs to root (mode 0755), and nobody asks" in str(error)
        assert "chown" in error.remedy

    as_nobody(work)


def test_a_locked_folder_above_is_told(folder: Path) -> None:
    (folder / "inner").mkdir(mode=0o777)
    folder.chmod(0o700)

    def work() -> None:
        error = refused(opened(folder / "inner" / "outbox.db"))
        assert f"{folder}: it belongs to root (mode 0700)" in str(error)

    as_nobody(work)


def test_our_own_file_without_rights_needs_a_chmod(folder: Path) -> None:
    with closing(opened(folder / "outbox.db")) as outbox:
        put(outbox)
    for each in (folder, folder / "outbox.db"):
        os.chown(each, NOBODY, NOBODY)
    (folder / "outbox.db").chmod(0o400)
    as_nobody(lambda: _asks_for_chmod(folder / "outbox.db"))


def _asks_for_chmod(path: Path) -> None:
    assert f"chmod u+rw {path}" in refused(opened(path)).remedy


def test_a_missing_folder_is_told_with_mkdir(tmp_path: Path) -> None:
    error = refused(opened(tmp_path / "nowhere" / "outbox.db"))
    assert "No such file or directory" in str(error)
    assert error.remedy.endswith(f"mkdir {tmp_path / 'nowhere'}")


def test_to_check_touches_no_item(tmp_path: Path) -> None:
    outbox = opened(tmp_path / "outbox.db")
    outbox.put([done(somebody(), grain) for grain in "abc"])
    (leased,) = outbox.lease(1, 60)
    before = outbox.counts()
    assert all(finding.ok for finding in outbox.check())
    after = outbox.counts()
    assert (after.waiting, after.leased, after.dead) == (before.waiting, before.leased, before.dead)
    assert outbox.done([leased]) == 1
    assert [item.completion.grain_id for item in outbox.lease(5, 60)] == ["b", "c"]
    assert outbox.notes() == []
