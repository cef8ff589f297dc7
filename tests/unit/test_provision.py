"""Provisioning: what is installed again, what is not, and what the user is told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import ROOT, provision
from tests.servers.need import need
from tests.servers.provision import ProvisionError

Install = Callable[[str, Path], None]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test an empty cache of its own."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(provision, "CACHE", folder)
    return folder


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Callable[[Install], None]:
    """Put something else in the place of pip: nothing is downloaded here."""
    return lambda install: monkeypatch.setattr(provision, "_pip_install", install)


@pytest.fixture
def bare_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a system with apt-get, without sudo, where we are not root and nothing is installed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    _program(folder / "apt-get", "touch apt-was-run")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return folder


def _program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def put_one_file(_: str, folder: Path) -> None:
    (folder / "whole").touch()


def test_what_is_installed_is_not_installed_again(pip: Callable[[Install], None]) -> None:
    pip(put_one_file)
    assert provision.missing("node-22")
    assert provision.provision(["node-22"]) == []
    pip(lambda *_: pytest.fail("installed twice"))
    assert provision.provision(["node-22"]) == []


def test_an_interrupted_installation_is_redone_from_nothing(
    cache: Path, pip: Callable[[Install], None]
) -> None:
    def interrupted(_: str, folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    pip(interrupted)
    with pytest.raises(KeyboardInterrupt):
        provision.provision(["node-22"])
    assert provision.missing("node-22")
    pip(put_one_file)
    assert provision.provision(["node-22"]) == []
    assert (cache / "node-22/whole").exists()
    assert not (cache / "node-22/half").exists()


def test_another_version_replaces_the_installed_one(
    pip: Callable[[Install], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    pip(put_one_file)
    provision.provision(["node-22"])
    monkeypatch.setitem(provision.NODES, "node-22", "22.99.0")
    assert provision.missing("node-22")


def test_a_failed_installation_can_be_tried_again(
    pip: Callable[[Install], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: object) -> None:
        raise ProvisionError("no network")

    pip(failing)
    assert provision.main(["node-22"]) == 1
    captured = capsys.readouterr()
    assert "node-22: no network" in captured.err
    assert captured.out == ""
    pip(put_one_file)
    assert provision.main(["node-22"]) == 0


def test_a_directus_without_node_gets_only_node(
    cache: Path,
    pip: Callable[[Install], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(provision, "_npm_install", put_one_file)
    monkeypatch.setitem(provision.APT, "compiler", provision.AptComponent([], lambda: True))
    pip(put_one_file)
    assert provision.provision(["directus-11.17.4"]) == []
    (cache / "node-22/.installed").unlink()
    assert "node-22" in (provision.missing("directus-11.17.4") or "")
    monkeypatch.setattr(provision, "_npm_install", lambda *_: pytest.fail("Directus again"))
    assert provision.provision(["directus-11.17.4"]) == []


def test_without_root_one_line_names_the_apt_command(
    bare_system: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert provision.main(["redis", "chromium"]) == 1
    told = [line for line in capsys.readouterr().err.splitlines() if "sudo" in line]
    command = "sudo apt-get install -y redis-server chromium chromium-driver fonts-liberation"
    assert len(told) == 1
    assert told[0].endswith(f"Type: {command}")
    assert not (bare_system / "apt-was-run").exists()


def test_with_nothing_to_install_nothing_is_written(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(provision.APT, "redis", provision.AptComponent([], lambda: True))
    assert provision.provision(["redis"]) == []
    assert not cache.exists()


def test_an_unknown_component_is_answered_with_the_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert provision.main(["oracle"]) == 2
    assert "postgresql" in capsys.readouterr().err


@pytest.mark.usefixtures("bare_system")
def test_a_missing_component_skips_a_test_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="redis is not installed"):
        need("redis")


@pytest.mark.usefixtures("bare_system")
def test_a_missing_component_fails_a_test_in_continuous_integration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "true")
    either = (pytest.fail.Exception, pytest.skip.Exception)
    with pytest.raises(either, match="redis is not installed") as outcome:
        need("redis")
    assert outcome.type is pytest.fail.Exception


def test_without_python_one_line_says_the_remedy(bare_system: Path, tmp_path: Path) -> None:
    _program(bare_system / "id", "echo 1000")
    script = ROOT / "tests/servers/make-venv.sh"
    command = ["/bin/sh", script, tmp_path / "venv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Python 3.11 or 3.12 with venv is needed. Type: sudo apt-get install -y python3-venv"
    ]
