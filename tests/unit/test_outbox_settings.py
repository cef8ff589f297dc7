"""The outbox's part of the configuration, and which outbox comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config import Settings
from bridge.errors import ConfigurationError
from bridge.outbox import open_outbox
from bridge.outbox.redis import RedisOutbox
from bridge.outbox.sqlite import SQLiteOutbox


def settings(**outbox: object) -> Settings:
    return Settings.from_mapping({"store": {"url": "memory:"}, "outbox": outbox})


def test_without_an_outbox_section_there_is_no_outbox() -> None:
    assert open_outbox(Settings.from_mapping({"store": {"url": "memory:"}})) is None


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("sqlite:///outbox.db", SQLiteOutbox),
        ("redis://localhost:6379/0", RedisOutbox),
        ("rediss://localhost", RedisOutbox),
    ],
)
def test_the_urls_scheme_picks_an_outbox_not_connected(url: str, kind: type) -> None:
    assert isinstance(open_outbox(settings(url=url)), kind)
    assert not Path("outbox.db").exists()


def test_three_slashes_are_relative_and_four_absolute() -> None:
    for url, path in (("sqlite:///a/b.db", "a/b.db"), ("sqlite:////a/b.db", "/a/b.db")):
        outbox = settings(url=url).outbox
        assert outbox is not None
        assert outbox.path == Path(path)


def test_the_environment_wins_over_the_file() -> None:
    environ = {"PROGRESS_BRIDGE_OUTBOX_URL": "redis://from.environ"}
    mapping = {"store": {"url": "memory:"}, "outbox": {"url": "redis://from.file"}}
    outbox = Settings.from_mapping(mapping, environ).outbox
    assert outbox is not None
    assert outbox.url == "redis://from.environ"


def test_a_password_in_the_url_is_shown_nowhere() -> None:
    chosen = settings(url="redis://someone:pa55word@host:1/0?password=pa55word")
    assert chosen.outbox is not None
    assert "pa55word" not in repr(chosen)
    assert "someone" not in repr(chosen)
    assert chosen.outbox.shown_url == "redis://host:1/0"


@pytest.mark.parametrize(
    ("outbox", "words"),
    [
        ({}, "outbox.url: missing"),
        ({"url": "postgresql://h/d"}, "outbox.url: postgresql scheme"),
        ({"url": "outbox.db"}, "outbox.url: no scheme"),
        ({"url": "sqlite:///"}, "the path of a file"),
        ({"url": "sqlite://outbox.db"}, "the path of a file"),
        ({"url": "sqlite:///:memory:"}, "the path of a file"),
        ({"url": "sqlite:///a.db?mode=ro"}, "the path of a file"),
        ({"url": "redis:///0"}, "outbox.url: no host"),
        ({"url": "redis://h", "timeout": 0}, "outbox.timeout"),
        ({"url": "redis://h", "prefix": "a b"}, "outbox.prefix"),
        ({"url": "redis://h", "prefix": "{a}"}, "outbox.prefix"),
        ({"url": "redis://h", "time_out": 3}, "did you mean timeout"),
    ],
)
def test_a_setting_that_cannot_be_is_named(outbox: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(**outbox)
    assert words in str(caught.value)
