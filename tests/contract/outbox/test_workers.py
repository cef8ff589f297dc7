"""What the workers of an outbox need besides: leases that last longer, and notes."""

from __future__ import annotations

from pathlib import Path

from bridge.outbox import LONGEST, Outbox
from tests.contract.learners import done, somebody
from tests.contract.outbox.conftest import Home, sqlite_home


def test_a_lease_that_is_renewed_lasts_from_then_on(home: Home, outbox: Outbox) -> None:
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


def test_what_was_given_back_or_done_is_not_held_again(outbox: Outbox) -> None:
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


def test_only_the_last_note_of_a_worker_is_kept(outbox: Outbox, other: Outbox) -> None:
    outbox.note("host-1", "one")
    other.note("host-2", "two")
    outbox.note("host-1", "three")
    assert {note.worker: note.text for note in outbox.notes()} == {
        "host-1": "three",
        "host-2": "two",
    }


def test_a_worker_that_told_nothing_for_a_day_is_forgotten(tmp_path: Path) -> None:
    home = sqlite_home(tmp_path / "outbox.db")
    outbox = home.open()
    outbox.note("old", "one")
    home.go(LONGEST + 1)
    outbox.note("new", "two")
    assert [note.worker for note in outbox.notes()] == ["new"]
    outbox.close()
