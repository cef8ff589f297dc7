"""What the command line says of an outbox that another installation delivers from."""

from __future__ import annotations

import json
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.cli import cli
from bridge.config import ENVIRONMENT, Settings
from bridge.outbox import open_outbox

COMMANDS = [["deliver"], ["serve", "--port", "0"]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Configure one installation whose outbox another one has marked."""
    for variable in (*ENVIRONMENT, "PROGRESS_BRIDGE_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PROGRESS_BRIDGE_OUTBOX_URL", f"sqlite:///{tmp_path / 'outbox.db'}")
    monkeypatch.setenv("PROGRESS_BRIDGE_STORE_URL", f"sqlite:///{tmp_path / 'theirs.db'}")
    (tmp_path / "bridge.yaml").write_text(f"service: {{keys_file: {tmp_path / 'keys.yaml'}}}")
    assert (
        run(tmp_path, "keys", "new", "--name=a", "--origin=moodle", "--right=write").exit_code == 0
    )
    claim(tmp_path)
    monkeypatch.setenv("PROGRESS_BRIDGE_STORE_URL", f"sqlite:///{tmp_path / 'ours.db'}")
    deliver, serve = (import_module(f"bridge.cli.{name}") for name in ("deliver", "serve"))
    monkeypatch.setattr(deliver, "_run", lambda delivery: None)
    monkeypatch.setattr(serve, "_serve_in_this_process", lambda *_: None)
    return tmp_path


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(folder / "bridge.yaml"), *words])


def claim(folder: Path) -> None:
    outbox = open_outbox(Settings.load(folder / "bridge.yaml"))
    assert outbox is not None
    with closing(outbox):
        outbox.claim()


@pytest.mark.parametrize("words", COMMANDS)
def test_to_deliver_for_another_store_is_refused(folder: Path, words: list[str]) -> None:
    said = run(folder, *words)
    assert said.exit_code == 1
    for word in ("theirs.db", "ours.db", "--adopt"):
        assert word in said.output
    assert "started" not in said.output


@pytest.mark.parametrize("words", COMMANDS)
def test_adopt_delivers_from_then_on(folder: Path, words: list[str]) -> None:
    assert run(folder, *words, "--adopt").exit_code == 0
    assert run(folder, *words).exit_code == 0


def test_check_fails_and_status_says_why(folder: Path) -> None:
    said = run(folder, "check")
    assert said.exit_code == 1
    assert "Completions are NOT recorded." in said.output
    told = json.loads(run(folder, "status", "--json").output)
    assert told["state"] == "paused"
    assert "theirs.db" in told["why"]
    assert "--adopt" in told["remedy"]
