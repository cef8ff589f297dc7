"""Settings: from the file and the environment, or a clear word on what is wrong."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import Any

import pytest

from bridge import ConfigurationError, Settings
from bridge.config import DeliverySettings, Secret, StoreSettings

DIRECTUS = {"url": "https://directus.example.org", "token": "s3cret-token"}


def settings(store: dict[str, Any], **more: Any) -> Settings:
    return Settings.from_mapping({"store": store, **more})


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret-token\n")
    (tmp_path / "bridge.yaml").write_text(
        f"""
        store:
          url: https://directus.example.org
          token_file: {tmp_path}/token
          read_timeout: 5
          names:
            learners: eleves
            progress_fields: {{learner: eleve_id}}
        store_email: true
        """
    )
    loaded = Settings.load(tmp_path / "bridge.yaml", {})
    assert loaded == Settings.load(None, {"PROGRESS_BRIDGE_CONFIG": f"{tmp_path}/bridge.yaml"})
    assert loaded.store_email
    assert loaded.store.token == Secret("s3cret-token")
    assert loaded.store.read_timeout == 5
    assert loaded.store.names.learners == "eleves"
    assert loaded.store.names.progress == "progress"
    assert loaded.store.names.progress_fields.learner == "eleve_id"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "bridge.yaml").write_text("store: {url: 'memory:', token_file: /nowhere}")
    environ = {
        "PROGRESS_BRIDGE_STORE_URL": "https://directus.example.org",
        "PROGRESS_BRIDGE_STORE_TOKEN": "other",
    }
    loaded = Settings.load(tmp_path / "bridge.yaml", environ)
    assert loaded.store.url == "https://directus.example.org"
    assert loaded.store.token == Secret("other")


def test_the_environment_is_enough() -> None:
    loaded = Settings.load(None, {"PROGRESS_BRIDGE_STORE_URL": "sqlite:///progress.db"})
    assert loaded.store.scheme == "sqlite"


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({}, "no store: set store.url"),
        ({"store": {}}, "store.url: missing"),
        ({"store": "https://directus.example.org"}, "store: not a mapping"),
        ({"stroe": {}}, "stroe: no such setting; did you mean store?"),
        (
            {"store": DIRECTUS | {"tokn_file": "x"}},
            "store.tokn_file: no such setting; did you mean",
        ),
        ({"store": {"url": "mysql://h/d"}}, "store.url: mysql scheme (one of https"),
        ({"store": {"url": "directus.example.org"}}, "store.url: no scheme"),
        ({"store": {"url": "https://"}}, "store.url: no host"),
        ({"store": {"url": "sqlite:///"}}, "store.url: sqlite:/// and the path of a file"),
        ({"store": {"url": "sqlite:///:memory:"}}, "store.url: sqlite:/// and the path of a file"),
        ({"store": {"url": "postgresql://u:hu[sh@h/d"}}, "store.url: cannot be read; in a passw"),
        ({"store": {"url": "https://h", "token_file": "hush"}}, "store.token_file: cannot read it"),
        ({"store": {"url": "https://h", "token_file": "a/\0"}}, "store.token_file: cannot read a/"),
        ({"store": DIRECTUS | {"url": "https://u:hush@h"}}, "a Directus URL has no user"),
        ({"store": {"url": "https://h"}}, "Directus needs a token"),
        ({"store": DIRECTUS | {"token_file": "x"}}, "give one of them"),
        ({"store": {"url": "https://h", "token_file": "/nowhere"}}, "cannot read /nowhere"),
        ({"store": {"url": "https://h", "token": "h\nush"}}, "not a token"),
        ({"store": {"url": "https://h", "token": "  "}}, "store.token: empty"),
        ({"store": DIRECTUS | {"ca_file": "/nowhere"}}, "store.ca_file: no such file"),
        ({"store": DIRECTUS | {"connect_timeout": 0}}, "store.connect_timeout: not a number"),
        ({"store": DIRECTUS | {"read_timeout": "10"}}, "store.read_timeout: not a number"),
        ({"store": DIRECTUS | {"connections": True}}, "store.connections: not a whole number"),
        ({"store": DIRECTUS | {"names": {"learners": "a b"}}}, "store.names.learners: not a name"),
        (
            {"store": DIRECTUS | {"names": {"learner_fields": {"origine": "o"}}}},
            "store.names.learner_fields.origine: no such setting; did you mean origin?",
        ),
        ({"store": DIRECTUS, "store_email": "yes"}, "store_email: neither true nor false"),
        (["store"], "not a mapping"),
    ],
)
def test_a_wrong_setting_is_named_and_explained(mapping: Any, words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Settings.from_mapping(mapping)
    assert words in str(error.value)
    assert "hush" not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("store: [", "line 1: not YAML"),
        ("[" * 100_000, "nested more than 64 levels deep"),
        (b"\xff", "cannot read"),
    ],
)
def test_a_file_that_is_no_yaml_is_named(tmp_path: Path, content: str | bytes, words: str) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError, match=words) as error:
        Settings.load(path, {})
    assert str(path) in str(error.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigurationError, match="cannot read the configuration /nowhere"):
        Settings.load("/nowhere", {})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://user:hush@h:5432/db?password=hush", "postgresql://h:5432/db"),
        ("postgresql://user:hu/s@h@h/db", "postgresql://h/db"),
        ("postgresql://user:hu?sh@h/db", "postgresql://h/db"),
        ("sqlite:////var/lib/a@b.db", "sqlite:////var/lib/a@b.db"),
        ("https://directus.example.org/api", "https://directus.example.org/api"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert StoreSettings(url=url).shown_url == shown


def test_settings_show_no_secret() -> None:
    shown = repr(settings(DIRECTUS)) + repr(settings({"url": "postgresql://u:hush@h/d"}))
    assert "s3cret" not in shown
    assert "hush" not in shown


def test_delivery_is_as_the_design_says_by_default() -> None:
    found = settings({"url": "memory:"}).delivery
    assert (found.batch, found.age, found.backoff, found.backoff_max) == (500, 0.2, 0.5, 60)


def test_delivery_can_be_set() -> None:
    found = settings({"url": "memory:"}, delivery={"batch": 50, "lease": 5}).delivery
    assert found == DeliverySettings(batch=50, lease=5.0)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"batch": 0}, "delivery.batch: not a whole number from 1 to 5000"),
        ({"probe": -1}, "delivery.probe: not a number of seconds"),
        ({"conections": 2}, "delivery.conections: no such setting; did you mean connections?"),
        (["batch"], "delivery: not a mapping of settings"),
    ],
)
def test_what_delivery_cannot_be_is_said(section: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        settings({"url": "memory:"}, delivery=section)
