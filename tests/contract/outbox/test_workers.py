"""What the workers of an outbox need besides: leases that last longer, and notes."""

from __future__ import annotations

from pathlib import Path

import redis

from bridge.delivery.status import Report, State, overview
from bridge.outbox import MAX_NOTE_AGE_SECONDS, Outbox
from tests.contract.learners import done, somebody
from tests.contract.outbox.conftest import Home, redis_home, sqlite_home
from tests.servers.redis import Redis


def test_a_renewed_lease_lasts_from_then_on(home: Home, outbox: Outbox) -> None:
    outbox.put([done(somebody(), "first"), done(somebody(), "second")])
    first, second = outbox.lease(2, 60)
    home.go(50)
    assert outbox.renew([first], 60) == 1
    home.go(50)
    (again,) = outbox.lease(2, 60)
    assert again.completion.grain_id == "second"
    assert outbox.done([first, second]) == 1


def test_a_renewed_lease_ends_as_others_do(home: Home, outbox: Outbox, other: Outbox) -> None:
    outbox.put([done(somebody())])
    items = outbox.lease(1, 60)
    outbox.renew(items, 60)
    home.go(61)
    (again,) = other.lease(1, 60)
    assert again.attempts == 2
    assert outbox.renew(items, 60) == 0
    assert outbox.done(items) == 0


def test_what_was_settled_is_not_renewed(outbox: Outbox) -> None:
    outbox.put([done(somebody(), "back"), done(somebody(), "done")])
    back, finished = outbox.lease(2, 60)
    outbox.give_back([back])
    outbox.done([finished])
    assert outbox.renew([back, finished], 60) == 0
    assert (outbox.counts().waiting, outbox.counts().leased) == (1, 0)


def test_renewing_nothing_renews_nothing(outbox: Outbox) -> None:
    assert outbox.renew([], 60) == 0


def test_what_a_worker_tells_is_read_by_others(outbox: Outbox, other: Outbox) -> None:
    assert other.notes() == []
    outbox.note("host-1", "paused: «à réparer»\nsecond line")
    (note,) = other.notes()
    assert (note.worker, note.text) == ("host-1", "paused: «à réparer»\nsecond line")
    assert 0 <= note.age < 60


def test_a_workers_last_note_alone_is_kept(outbox: Outbox, other: Outbox) -> None:
    outbox.note("host-1", "one")
    other.note("host-2", "two")
    outbox.note("host-1", "three")
    assert {note.worker: note.text for note in outbox.notes()} == {
        "host-1": "three",
        "host-2": "two",
    }


def test_a_worker_silent_for_a_day_is_forgotten(tmp_path: Path) -> None:
    home = sqlite_home(tmp_path / "outbox.db")
    outbox = home.open()
    outbox.note("old", "one")
    home.go(MAX_NOTE_AGE_SECONDS + 1)
    outbox.note("new", "two")
    assert [note.worker for note in outbox.notes()] == ["new"]
    outbox.close()


KILLED = Report(state=State.DELIVERING).as_text()
"""What a deliverer told last that was killed before it could say that it stops."""


def assert_nobody_runs(outbox: Outbox) -> None:
    """Check that nobody seems to run, for all the note, until a running deliverer tells again."""
    outbox.put([done(somebody())])
    assert overview(outbox).state is State.STOPPED
    (note,) = outbox.notes()
    assert note.age == MAX_NOTE_AGE_SECONDS
    outbox.note("running", KILLED)
    assert [note.worker for note in outbox.notes()] == ["running"]
    assert overview(outbox).state is State.DELIVERING


def test_a_note_of_the_future_shows_nobody_running(tmp_path: Path) -> None:
    home = sqlite_home(tmp_path / "outbox.db")
    outbox = home.open()
    outbox.note("killed", KILLED)
    home.go(-3600)
    assert_nobody_runs(outbox)
    outbox.close()


def test_nor_does_one_of_the_servers_future(redis_server: Redis) -> None:
    home = redis_home(redis_server.url)
    outbox = home.open()
    with redis.Redis.from_url(redis_server.url) as admin:
        (seconds, _) = admin.time()
        in_an_hour = f"{(seconds + 3600) * 1000} {KILLED}"
        admin.hset(f"{{{home.settings.prefix}}}notes", "killed", in_an_hour)
    assert_nobody_runs(outbox)
    outbox.close()
