"""Files and folders of somebody else, real ones: whose they are, who asks, and what to do."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.support.file_access import Obstacle, why_not_sqlite, why_unreadable, why_unwritable

SOMEBODY = pwd.getpwuid(65534).pw_name
US = pwd.getpwuid(os.geteuid()).pw_name
SETPRIV = shutil.which("setpriv")

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or SETPRIV is None, reason="only root gives files away, and setpriv obeys"
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    os.chmod(tmp_path, 0o755)


def give_away(path: Path, mode: int = 0o600) -> None:
    os.chown(path, 65534, 65534)
    os.chmod(path, mode)


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as root without root's power over other people's files."""
    shown = {key: value for key, value in os.environ.items() if "PROGRESS_BRIDGE" not in key}
    shown |= {
        "PROGRESS_BRIDGE_STORE_URL": f"sqlite:///{folder}/store.db",
        "PROGRESS_BRIDGE_OUTBOX_URL": f"sqlite:///{folder}/outbox.db",
    }
    command = [SETPRIV or "", "--inh-caps=-all", "--bounding-set=-all", sys.executable]
    return subprocess.run(
        [*command, "-m", "bridge.cli", *words],
        env=shown | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def told_whose(done: subprocess.CompletedProcess[str], path: Path) -> bool:
    """Return whether the one line names the owner, the asker and the remedy."""
    assert done.returncode in (1, 3)
    said = f" {path}: it belongs to {SOMEBODY} (mode "
    return (
        said in done.stderr
        and f"{US} asks" in done.stderr
        and f"`chown {US} {path}`" in done.stderr
    )


RECORD = ("record", "moodle", "1", "g")


@needs_root
@pytest.mark.parametrize("name", ["outbox.db", "outbox.db-wal", "outbox.db-shm"])
def test_an_outbox_file_of_somebody_else_is_told(folder: Path, name: str) -> None:
    run(folder, *RECORD)
    (folder / name).touch()
    give_away(folder / name)
    assert told_whose(run(folder, *RECORD), folder / name)
    checked = run(folder, "check")
    assert f"chown {US} {folder / name}" in checked.stdout
    os.chown(folder / name, 0, 0)  # the remedy
    assert run(folder, *RECORD).returncode == 0


@needs_root
@pytest.mark.parametrize("name", ["store.db", "store.db-wal", "store.db-shm"])
def test_a_store_file_of_somebody_else_is_told(folder: Path, name: str) -> None:
    run(folder, *RECORD, PROGRESS_BRIDGE_OUTBOX_URL="")
    (folder / name).touch()
    give_away(folder / name)
    done = run(folder, *RECORD, PROGRESS_BRIDGE_OUTBOX_URL="")
    assert told_whose(done, folder / name)


@needs_root
def test_a_file_that_may_only_be_read_is_told(folder: Path) -> None:
    run(folder, *RECORD)
    give_away(folder / "outbox.db", 0o644)
    done = run(folder, *RECORD)
    assert "we may not write " in done.stderr
    assert told_whose(done, folder / "outbox.db")


@needs_root
def test_a_folder_of_somebody_else_is_told(folder: Path) -> None:
    give_away(folder, 0o755)
    assert told_whose(run(folder, *RECORD), folder)


@needs_root
def test_a_folder_nobody_may_enter_is_told(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    give_away(inner, 0o700)
    done = run(folder, *RECORD, PROGRESS_BRIDGE_OUTBOX_URL=f"sqlite:///{inner}/deep/outbox.db")
    assert "we may not enter " in done.stderr
    assert told_whose(done, inner)


@needs_root
@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("PROGRESS_BRIDGE_STORE_TOKEN_FILE", RECORD),
        ("PROGRESS_BRIDGE_CONFIG", RECORD),
        ("", ("keys", "list", "--file")),
    ],
)
def test_a_file_that_is_read_is_told(folder: Path, variable: str, words: tuple[str, ...]) -> None:
    path = folder / "file"
    path.write_text("x")
    give_away(path)
    done = (
        run(folder, *words, **{variable: str(path)}) if variable else run(folder, *words, str(path))
    )
    assert told_whose(done, path)


@needs_root
def test_keys_are_not_written_to_a_foreign_folder(folder: Path) -> None:
    give_away(folder, 0o755)
    new = ("keys", "new", "--name", "a", "--origin", "moodle", "--right", "read", "--file")
    assert told_whose(run(folder, *new, f"{folder}/keys.yaml"), folder)


@pytest.mark.parametrize(
    ("why", "path", "said"),
    [
        (why_not_sqlite, "missing/outbox.db", "there is no folder {0}/missing"),
        (why_not_sqlite, "file/outbox.db", "{0}/file is no folder"),
        (why_not_sqlite, "link/outbox.db", "there is no folder {0}/missing"),
        (why_not_sqlite, ".", "{0} is a folder, no file"),
        (why_unreadable, "none", "there is no file {0}/none"),
        (why_unwritable, "missing/none", "there is no folder {0}/missing"),
    ],
)
def test_what_is_not_there_is_told(
    folder: Path, why: Callable[[Path], Obstacle | None], path: str, said: str
) -> None:
    (folder / "file").touch()
    (folder / "link").symlink_to(folder / "missing")
    told = why(folder / path)
    assert told is not None
    assert told.reason == said.format(folder)
    assert told.remedy


@needs_root
def test_a_read_only_file_system_is_told(folder: Path) -> None:
    code = f"from bridge.support.file_access import *; print(why_not_sqlite('{folder}/outbox.db'))"
    mounted = f'mount -t tmpfs -o ro none {folder} && exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mounted, "sh", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:  # neither a mount nor a namespace of its own
        pytest.skip("nothing may be mounted here")
    assert done.stdout.startswith(f"the file system of {folder} is read-only; see why")


def test_nothing_is_told_where_nothing_is_wrong(folder: Path) -> None:
    (folder / "outbox.db").touch()
    assert why_not_sqlite(folder / "outbox.db") is None
    assert why_not_sqlite(folder / "new.db") is None
    assert why_unreadable(folder / "outbox.db") is None
    assert why_unwritable(folder / "new") is None
