"""The faults. Each lasts as long as its dice say, and leaves everything as it found it."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

import requests

from tests.faults import clock, proxy
from tests.faults.bed import DATABASE, OUTBOX_TIMEOUT, OUTBOXES, Bed
from tests.faults.children import MACHINE, Child, clock_file
from tests.faults.proxy import Misbehaviour, page
from tests.faults.restore import restore_older_dump
from tests.servers.process import HOST
from tests.servers.small_disk import why_no_mount

SIDES: Final = ("bridge", "server")
"""Two faults of different sides may strike together; two of one side would undo each other."""

_DAY: Final = 86_400.0
_JUMPS: Final = (_DAY, -_DAY, 3_600.0, -40.0, 7.0)
_PATIENCE: Final = 60.0

LIMITED: Final = {
    "RATE_LIMITER_ENABLED": "true",
    "RATE_LIMITER_STORE": "memory",
    "RATE_LIMITER_POINTS": "6",
    "RATE_LIMITER_DURATION": "1",
}
PRESSED: Final = {
    "PRESSURE_LIMITER_ENABLED": "true",
    "PRESSURE_LIMITER_SAMPLE_INTERVAL": "100",
    "PRESSURE_LIMITER_MAX_EVENT_LOOP_DELAY": "14",  # an idle loop measures 10 to 12
    "PRESSURE_LIMITER_RETRY_AFTER": "1",
}


@dataclass(frozen=True)
class Field:
    """What faults strike: the servers and the bridge's processes.

    Attributes:
        steady: a deliverer that is never killed nor frozen: its memory is watched.
        bait: puts one more completion, so that there is something to deliver.
    """

    bed: Bed
    producers: list[Child]
    victims: list[Child]
    steady: Child
    bait: Callable[[], object]


Strike = Callable[[Field, Random], None]


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        side: one of `SIDES`.
        outboxes: with which outboxes it can happen.
    """

    strike: Strike
    side: str
    outboxes: tuple[str, ...] = OUTBOXES


def _last(dice: Random, least: float = 0.3, most: float = 2.5) -> None:
    """Wait as many seconds as the dice say, for the fault lasts so long."""
    time.sleep(dice.uniform(least, most))


def producer_killed(field: Field, dice: Random) -> None:
    """Kill a producer in the middle of putting."""
    victim = dice.choice(field.producers)
    _last(dice, 0.0, 0.3)
    victim.kill()
    victim.start()


def deliverer_killed(field: Field, dice: Random) -> None:
    """Kill a deliverer, whose items wait until their lease is over."""
    victim = dice.choice(field.victims)
    _last(dice, 0.0, 0.6)
    victim.kill()
    _last(dice, 0.0, 1.0)
    victim.start()


def deliverer_stopped(field: Field, dice: Random) -> None:
    """Stop a deliverer by SIGTERM, for which it has 10 s."""
    victim = dice.choice(field.victims)
    _last(dice, 0.0, 0.6)
    victim.stop()
    victim.start()


def deliverer_frozen(field: Field, dice: Random) -> None:
    """Freeze a deliverer for longer than its leases: it goes on, and is late with everything."""
    victim = dice.choice(field.victims)
    _last(dice, 0.0, 0.6)
    victim.freeze()
    _last(dice, 4.5, 6.0)
    victim.thaw()


def clock_jumps(field: Field, dice: Random) -> None:
    """Move the clock of the machine, under all processes of the bridge, there and back."""
    file = clock_file(field.bed.folder, MACHINE)
    _jump(file, dice)


def clock_is_off(field: Field, dice: Random) -> None:
    """Move the clock of one deliverer alone."""
    _jump(dice.choice([*field.victims, field.steady]).clock, dice)


def _jump(file: clock.Path, dice: Random) -> None:
    clock.jump(file, dice.choice(_JUMPS))
    _last(dice)
    clock.jump(file, 0.0)


def outbox_locked(field: Field, dice: Random) -> None:
    """Lock the outbox's file, as another program, for longer than anybody waits."""
    with closing(sqlite3.connect(field.bed.outbox_file, timeout=30)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        _last(dice, OUTBOX_TIMEOUT, 2 * OUTBOX_TIMEOUT)
        connection.rollback()


def disk_full(field: Field, dice: Random) -> None:
    """Leave no byte on the outbox's disk for a while."""
    disk = field.bed.disk
    assert disk is not None
    disk.fill()
    try:
        _last(dice, 1.0, 4.0)
    finally:
        disk.free()


def base_restored(field: Field, dice: Random) -> None:
    """Put the base, its sequences included, back to a dump that is some seconds old."""
    url = field.bed.directus.database_url
    assert url is not None
    restore_older_dump(url, lambda: _last(dice, 1.0, 4.0), field.bed.restores)


def redis_killed(field: Field, dice: Random) -> None:
    """Kill Redis."""
    redis = field.bed.redis
    assert redis is not None
    _last(dice, 0.0, 0.6)
    redis.kill()
    _last(dice, 0.0, 1.5)
    redis.start()


def redis_frozen(field: Field, dice: Random) -> None:
    """Freeze Redis for longer than anybody waits, then let it do all that was asked of it."""
    redis = field.bed.redis
    assert redis is not None
    _last(dice, 0.0, 0.6)
    os.kill(redis.pid, signal.SIGSTOP)
    _last(dice, OUTBOX_TIMEOUT, 2 * OUTBOX_TIMEOUT)
    os.kill(redis.pid, signal.SIGCONT)


def directus_killed(field: Field, dice: Random) -> None:
    """Kill Directus, children included."""
    _last(dice, 0.0, 0.6)
    field.bed.directus.kill()
    _last(dice, 0.0, 1.0)
    field.bed.directus.start()


def postgres_killed(field: Field, dice: Random) -> None:
    """Stop PostgreSQL by ``-m immediate``: no goodbye to anybody, recovery from the log."""
    _last(dice, 0.0, 0.6)
    field.bed.postgres.stop("immediate")
    _last(dice, 0.0, 1.5)
    field.bed.postgres.start()
    field.bed.directus.start()  # nothing, unless it did not survive this


def limiter(adjusted: Mapping[str, str]) -> Strike:
    """Make Directus itself turn requests away, from one restart to the next."""

    def strike(field: Field, dice: Random) -> None:
        directus = field.bed.directus
        directus.adjusted = adjusted
        directus.restart()
        _last(dice, 2.0, 4.0)
        directus.adjusted = {}
        directus.restart()

    return strike


def token_revoked(field: Field, dice: Random) -> None:
    """Take the bridge's token from its user and give it back."""
    directus = field.bed.directus
    user, token = field.bed.bridge_user

    def give(value: str | None, expected: int) -> None:
        directus.request("PATCH", f"/users/{user}", {"token": value}).raise_for_status()
        _await_status(lambda: directus.request("GET", "/users/me", token=token), expected)

    give(None, 401)
    try:
        _last(dice)
    finally:
        give(token, 200)


def collection_removed(field: Field, dice: Random) -> None:
    """Move the table away and let Directus know it: 403."""
    with _renamed(field.bed, clear=True):
        _last(dice)


def table_missing(field: Field, dice: Random) -> None:
    """Move the table away behind Directus's back: 500 on everything."""
    with _renamed(field.bed, clear=False):
        _last(dice)


@contextmanager
def _renamed(bed: Bed, *, clear: bool) -> Iterator[None]:
    def see() -> None:
        if clear:
            bed.directus.request("POST", "/utils/cache/clear?system").raise_for_status()

    def rename(old: str, new: str) -> None:
        bed.postgres.psql(DATABASE, f"ALTER TABLE {old} RENAME TO {new}")

    rename("progress", "progress_away")
    try:
        see()
        yield
    finally:
        rename("progress_away", "progress")
        see()
    _await_status(lambda: bed.directus.request("GET", "/items/progress?limit=1"), 200)


def _await_status(ask: Callable[[], requests.Response], expected: int) -> None:
    """Wait until Directus answers that.

    Raises:
        TimeoutError: it does not.
    """
    deadline = time.monotonic() + _PATIENCE
    while (status := ask().status_code) != expected:
        if time.monotonic() > deadline:
            raise TimeoutError(f"Directus answers {status}, not {expected}")
        time.sleep(0.05)


def refused(field: Field, dice: Random) -> None:
    """Let nobody listen where Directus was."""
    with field.bed.proxy.refusing():
        _last(dice)


def through(misbehaviour: Misbehaviour) -> Fault:
    """Let the proxy do this to all requests, or to some of them."""

    def strike(field: Field, dice: Random) -> None:
        server = field.bed.proxy
        share = dice.choice((1.0, 0.5, 0.2))
        with server.misbehaving(misbehaviour, share, seed=dice.randrange(2**32)):
            _last(dice)
            deadline = time.monotonic() + _PATIENCE
            while not server.struck:  # a fault that nobody met is none
                if time.monotonic() > deadline:
                    raise TimeoutError("the bridge sends no requests")
                field.bait()
                time.sleep(0.1)

    return Fault(strike, "server")


DISK_FULL: Final = "outbox's disk full and freed"
"""The fault that is left out, and it is said, where no disk can be mounted."""

RESTORED: Final = "base restored from an older dump"

_LOGIN: Final = page("200 OK", "Please log in")
_REDIRECT: Final = page("302 Found", "Moved", f"Location: http://{HOST}:9/login")
_TOO_MANY: Final = page("429 Too Many Requests", "Too many requests")
_TOO_MANY_WAIT: Final = page("429 Too Many Requests", "Too many requests", "Retry-After: 1")
_BAD_GATEWAY: Final = page("502 Bad Gateway", "Bad Gateway")
_UNAVAILABLE: Final = page("503 Service Unavailable", "Down for maintenance")
_TIMED_OUT: Final = page("504 Gateway Time-out", "Gateway Time-out")

FAULTS: Final[Mapping[str, Fault]] = {
    "producer killed": Fault(producer_killed, "bridge"),
    "deliverer killed": Fault(deliverer_killed, "bridge"),
    "deliverer told to stop (SIGTERM)": Fault(deliverer_stopped, "bridge"),
    "deliverer frozen for longer than its leases": Fault(deliverer_frozen, "bridge"),
    "clock of the machine jumps": Fault(clock_jumps, "bridge"),
    "clock of one deliverer is off": Fault(clock_is_off, "bridge"),
    "outbox file locked by another program": Fault(outbox_locked, "bridge", ("sqlite",)),
    DISK_FULL: Fault(disk_full, "bridge", ("sqlite",)),
    "Redis killed": Fault(redis_killed, "bridge", ("redis",)),
    "Redis frozen for longer than its time-out": Fault(redis_frozen, "bridge", ("redis",)),
    "Directus killed": Fault(directus_killed, "server"),
    "PostgreSQL killed (immediate)": Fault(postgres_killed, "server"),
    RESTORED: Fault(base_restored, "server"),
    "Directus's rate limiter on": Fault(limiter(LIMITED), "server"),
    "Directus's pressure limiter on": Fault(limiter(PRESSED), "server"),
    "token revoked and restored": Fault(token_revoked, "server"),
    "collection removed and restored (403)": Fault(collection_removed, "server"),
    "table gone behind Directus's back (500)": Fault(table_missing, "server"),
    "connection refused": Fault(refused, "server"),
    "connection reset mid-request": through(proxy.reset_mid_request),
    "connection reset mid-response": through(proxy.reset_mid_response),
    "accepted and silent": through(proxy.stay_silent),
    "written, and the answer lost": through(proxy.lose_answer),
    "slow bytes": through(proxy.trickle),
    "half a JSON body": through(proxy.halve_json),
    "429": through(proxy.instead(_TOO_MANY)),
    "429 with Retry-After": through(proxy.instead(_TOO_MANY_WAIT)),
    "502 with a page": through(proxy.instead(_BAD_GATEWAY)),
    "503 with a page": through(proxy.instead(_UNAVAILABLE)),
    "written, and 504 with a page": through(proxy.after(_TIMED_OUT)),
    "redirected to a login": through(proxy.instead(_REDIRECT)),
    "200 with a login page": through(proxy.instead(_LOGIN)),
}


def possible_here() -> list[str]:
    """Return the names of the faults that can be made on this machine."""
    return [name for name in FAULTS if name != DISK_FULL or not why_no_mount()]
