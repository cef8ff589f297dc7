"""`FileWatch`: whether a path still leads to the file that was opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.support.sqlite_files import FileWatch


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileWatch:
    monkeypatch.setattr("bridge.support.sqlite_files.LOOK_EVERY", 0.0)
    (tmp_path / "file").touch()
    return FileWatch(tmp_path / "file")


def test_nothing_is_the_same_before_it_is_remembered(watch: FileWatch) -> None:
    assert not watch.is_same()
    watch.remember()
    assert watch.is_same()


def test_a_replaced_or_removed_file_is_noticed(watch: FileWatch, tmp_path: Path) -> None:
    watch.remember()
    (tmp_path / "other").touch()
    (tmp_path / "other").rename(tmp_path / "file")
    assert not watch.is_same()
    watch.remember()
    (tmp_path / "file").unlink()
    assert not watch.is_same()
    assert not watch.is_same()


def test_no_second_look_within_the_interval(
    watch: FileWatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.support.sqlite_files.LOOK_EVERY", 3600.0)
    watch.remember()
    (tmp_path / "file").unlink()
    assert watch.is_same()
