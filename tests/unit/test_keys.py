"""Server keys: made, kept as hashes, found, revoked; and the command that does so."""

from __future__ import annotations

import json
import logging
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge import ConfigurationError
from bridge.cli import cli
from bridge.model import Origin
from bridge.service.auth import keys
from bridge.service.auth.keys import KeyRight, KeyRing, ServerKey, new_key, read_keys, write_keys

SHAPE = re.compile(r"pb_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "FILE_CHECK_SECONDS", 0.0)


def made(path: Path, count: int = 1) -> tuple[list[ServerKey], list[str]]:
    pairs = [new_key(f"key {n}", [Origin.MOODLE], [KeyRight.WRITE]) for n in range(count)]
    write_keys(path, [key for key, _ in pairs])
    return [key for key, _ in pairs], [text.reveal() for _, text in pairs]


def test_key_is_found_and_similar_text_is_not(tmp_path: Path) -> None:
    found, texts = made(tmp_path / "keys.yaml", 2)
    ring = KeyRing(tmp_path / "keys.yaml")
    assert [ring.find(text) for text in texts] == found
    text = texts[0]
    for wrong in ("", "pb_", text[:-1], text + "x", text.upper(), text[:12] + texts[1][12:], "é"):
        assert ring.find(wrong) is None


def test_key_has_a_shape_that_scanners_find() -> None:
    texts = {new_key("n", [Origin.MOODLE], [KeyRight.READ])[1].reveal() for _ in range(50)}
    assert len(texts) == 50
    assert all(SHAPE.fullmatch(text) for text in texts)


def test_file_holds_no_key_and_keeps_the_rest(tmp_path: Path) -> None:
    found, (text,) = made(tmp_path / "keys.yaml")
    assert read_keys(tmp_path / "keys.yaml") == found
    content = (tmp_path / "keys.yaml").read_text()
    assert text not in content
    assert text[12:] not in content
    assert text not in repr(found)
    assert [path.name for path in tmp_path.iterdir()] == ["keys.yaml"]


def test_changed_file_counts_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    found, (text,) = made(path)
    os.chmod(path, 0o640)
    ring = KeyRing(path)
    write_keys(path, [])
    assert ring.find(text) is None
    write_keys(path, found)
    assert ring.find(text) == found[0]
    assert path.stat().st_mode & 0o777 == 0o640


def test_removed_file_ends_all_keys_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys.yaml"
    _, (text,) = made(path)
    ring = KeyRing(path)
    path.unlink()
    with caplog.at_level(logging.ERROR):
        assert ring.find(text) is None
    assert "keys=0" in caplog.text


def test_unreadable_file_changes_nothing_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys.yaml"
    _, (text,) = made(path)
    ring = KeyRing(path)
    path.write_text("keys: [")
    with caplog.at_level(logging.ERROR):
        assert ring.find(text)
    assert "not YAML" in caplog.text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff", "not UTF-8"),
        (b"keys: [", "not YAML"),
        (b"keys: " + b"[" * 100_000, "nested more than 64 levels deep"),
        (b"[]", "not a mapping"),
        (b"keys: 5", "keys: not a list"),
        (b"keys: [5]", "keys[0]: not a mapping"),
        (b"keys: [{id: pb}]", "keys[0].id: missing, or not as `keys new` writes it"),
        (b"keys: [{id: '00000000', secret: x}]", "keys[0].secret: no such setting"),
    ],
)
def test_wrong_file_is_refused_at_first(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "keys.yaml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        KeyRing(tmp_path / "keys.yaml")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("moodle", "facebook", "origins: not some of moodle, funmooc, direct"),
        ("write", "all", "rights: not some of write, read, erase"),
        ("sha256: ", "sha256: x", "sha256: missing"),
    ],
)
def test_key_edited_by_hand_must_make_sense(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "keys.yaml"
    made(path)
    path.write_text(path.read_text().replace(f"- {old}", f"- {new}").replace(old, new))
    with pytest.raises(ConfigurationError, match=words):
        read_keys(path)


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["keys", *words], env={"PROGRESS_BRIDGE_STORE_URL": "memory:"})


def test_keys_are_made_listed_and_revoked(tmp_path: Path) -> None:
    file = ("--file", str(tmp_path / "keys.yaml"))
    who = ("--origin", "moodle", "--origin", "direct", "--right", "write")
    result = run("new", "--name", "Moodle de l’école", *who, *file)
    text = result.stdout.strip()
    assert SHAPE.fullmatch(text)
    assert "shown this once" in result.stderr
    ring = KeyRing(tmp_path / "keys.yaml")
    key = ring.find(text)
    assert key
    assert key.origins == {"moodle", "direct"}
    (listed,) = json.loads(run("list", "--json", *file).stdout)
    assert listed["id"] == key.id
    assert text not in json.dumps(listed)
    assert "Moodle de l’école  moodle,direct: write" in run("list", *file).stdout
    assert run("revoke", key.id, *file).exit_code == 0
    assert ring.find(text) is None
    assert run("revoke", key.id, *file).exit_code == 1
    assert run("list", *file).stdout == "There are no keys.\n"


def test_key_is_revoked_in_a_linked_file(tmp_path: Path) -> None:
    (kept, gone), _ = made(tmp_path / "keys.yaml", 2)
    link = tmp_path / "link.yaml"
    link.symlink_to("keys.yaml")
    revoked = CliRunner().invoke(cli, ["keys", "revoke", gone.id, "--file", str(link)])
    assert revoked.exit_code == 0, revoked.output
    assert read_keys(tmp_path / "keys.yaml") == [kept]
    assert link.is_symlink()


def test_concurrent_commands_lose_and_revive_no_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    revoked, _ = made(path, 10)

    def make() -> str:
        key, _ = new_key("new", [Origin.MOODLE], [KeyRight.WRITE])
        with keys.edit_keys(path) as known:
            known.append(key)
        return key.id

    def revoke(key: ServerKey) -> None:
        with keys.edit_keys(path) as known:
            known.remove(key)

    with ThreadPoolExecutor(10) as pool:
        making = [pool.submit(make) for _ in range(10)]
        list(pool.map(revoke, revoked))
    assert {key.id for key in read_keys(path)} == {future.result() for future in making}
    assert [found.name for found in tmp_path.iterdir()] == ["keys.yaml"]


def test_file_is_read_once_its_rights_are_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys.yaml"
    _, (text,) = made(path)
    ring = KeyRing(path)

    def refuse(_: Path) -> list[ServerKey]:
        raise ConfigurationError("Permission denied")

    with monkeypatch.context() as patch:  # tests may run as root, who may read everything
        patch.setattr(keys, "read_keys", refuse)
        write_keys(path, [])
        assert ring.find(text)
    os.chmod(path, 0o640)
    assert ring.find(text) is None


def test_keys_file_comes_from_settings_unless_given(tmp_path: Path) -> None:
    result = run("list")
    assert result.exit_code == 1
    assert "give --file, or set service.keys_file" in result.stderr
    (tmp_path / "bridge.yaml").write_text(f"service: {{keys_file: {tmp_path}/keys.yaml}}")
    words = ["--config", f"{tmp_path}/bridge.yaml", "keys", "new", "--name", "m"]
    words += ["--origin", "moodle", "--right", "write"]
    done = CliRunner().invoke(cli, words, env={"PROGRESS_BRIDGE_STORE_URL": "memory:"})
    assert done.exit_code == 0, done.output
    assert len(read_keys(tmp_path / "keys.yaml")) == 1


def test_without_a_configuration_the_file_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROGRESS_BRIDGE_CONFIG", raising=False)
    monkeypatch.delenv("PROGRESS_BRIDGE_STORE_URL", raising=False)
    result = CliRunner().invoke(cli, ["keys", "list"])
    assert result.exit_code == 1
    assert "PROGRESS_BRIDGE_CONFIG" in result.stderr
    assert "--file" in result.stderr


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    words = ("--origin", "moodle", "--right", "write", "--file", str(tmp_path / "keys.yaml"))
    for name in ("", " x", "a\nb", "x" * 81):
        assert run("new", "--name", name, *words).exit_code == 1
    assert not (tmp_path / "keys.yaml").exists()
