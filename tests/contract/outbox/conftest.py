"""Every outbox, under one name: a test that asks for `home` runs on each of them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import redis

from bridge.config import OutboxSettings
from bridge.outbox import Outbox
from bridge.outbox.redis import RedisOutbox
from bridge.outbox.redis.outbox import GROUP
from bridge.outbox.sqlite import SQLiteOutbox

HOMES: Final = ("sqlite", "redis")


class Clock:
    """The time, when nobody waits for it to pass."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Home:
    """Somewhere for an outbox to live, that several can be opened on.

    Attributes:
        name: one of `HOMES`.
        settings: for another process to open it too.
        make: an outbox; ``store_email`` and ``store`` are passed on.
        go: let time pass for leases and delays, in seconds.
        opened: what is to be closed in the end.
    """

    name: str
    settings: OutboxSettings
    make: Callable[..., Outbox]
    go: Callable[[float], None]
    opened: list[Outbox] = field(default_factory=list)

    def open(self, *, store_email: bool = False, store: str | None = None) -> Outbox:
        outbox = self.make(self.settings, store_email=store_email, store=store)
        self.opened.append(outbox)
        return outbox


def sqlite_home(path: Path) -> Home:
    clock = Clock()

    def make(settings: OutboxSettings, **more: Any) -> Outbox:
        return SQLiteOutbox(settings, clock=clock, **more)

    return Home("sqlite", OutboxSettings(url=f"sqlite:///{path}"), make, clock.go)


def redis_home(url: str) -> Home:
    """Make a home with a prefix of its own on the server."""
    settings = OutboxSettings(url=url, prefix=f"test-{secrets.token_hex(6)}:")
    return Home("redis", settings, RedisOutbox, lambda seconds: age(settings, seconds))


def age(settings: OutboxSettings, seconds: float) -> None:
    """Make all that is held back look as if time had passed: idle for longer, or due sooner."""
    queue, erasing = f"{{{settings.prefix}}}queue", f"{{{settings.prefix}}}erasing"
    with redis.Redis.from_url(settings.url, decode_responses=True) as client:
        for who, state in client.hgetall(erasing).items():
            since, until, rest = state.split(" ", 2)
            sooner = max(0, int(until) - round(seconds * 1000))
            client.hset(erasing, who, f"{since} {sooner} {rest}")
        if not client.exists(queue) or not client.xinfo_groups(queue):
            return
        for item in client.xpending_range(queue, GROUP, "-", "+", 100_000):
            idle = item["time_since_delivered"] + round(seconds * 1000)
            key, who = item["message_id"], item["consumer"]
            client.xclaim(queue, GROUP, who, 0, [key], idle=idle, justid=True)


@pytest.fixture(params=HOMES)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    if request.param == "sqlite":
        found = sqlite_home(tmp_path / "outbox.db")
    else:
        found = redis_home(request.getfixturevalue("redis_server").url)
    yield found
    for outbox in found.opened:
        outbox.close()


@pytest.fixture
def outbox(home: Home) -> Outbox:
    return home.open()


@pytest.fixture
def other(home: Home) -> Outbox:
    """Open a second outbox on the same home, as another process would."""
    return home.open()
