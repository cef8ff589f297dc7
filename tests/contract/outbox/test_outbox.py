"""The contract of `bridge.outbox.Outbox`: one suite, unchanged, on every outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from bridge.errors import BridgeClosed, InvalidCompletion, RuleCode
from bridge.model import Completion, Identity
from bridge.outbox import MAX_HOLD_SECONDS, DeadLetter, Erased, Leased, Outbox
from tests.contract.learners import done, somebody
from tests.contract.outbox.conftest import Home


def some(count: int, who: Identity | None = None) -> list[Completion]:
    """Make completions of grains 0, 1, 2, …."""
    who = who or somebody()
    return [done(who, str(number)) for number in range(count)]


def grains(items: Iterable[Leased | DeadLetter]) -> list[str]:
    return [item.completion.grain_id for item in items if item.completion]


def states(outbox: Outbox) -> tuple[int, int, int]:
    counts = outbox.counts()
    return counts.waiting, counts.leased, counts.dead


def test_a_fresh_outbox_is_empty(outbox: Outbox) -> None:
    assert states(outbox) == (0, 0, 0)
    assert outbox.counts().oldest is None
    assert outbox.lease(10, 60) == []
    assert outbox.dead() == []


def test_what_is_put_is_leased_as_it_was(outbox: Outbox) -> None:
    completion = done(somebody("funmooc"), "grain «é»", module_id="m", sequence_id="s")
    outbox.put([completion])
    (item,) = outbox.lease(10, 60)
    assert (item.completion, item.attempts) == (completion, 1)


def test_an_email_address_is_kept_only_where_wanted(home: Home) -> None:
    completion = done(somebody(), email="a@example.org")
    home.open().put([completion])
    home.open(store_email=True).put([completion])
    kept = [item.completion.email for item in home.open().lease(10, 60)]
    assert kept == [None, "a@example.org"]


@pytest.mark.parametrize(
    "use",
    [
        lambda outbox: outbox.put(some(1)),
        lambda outbox: outbox.put(some(200)),
        lambda outbox: outbox.lease(1, 60),
        lambda outbox: outbox.counts(),
        lambda outbox: outbox.dead(),
        lambda outbox: outbox.request_erasure(somebody()),
        lambda outbox: outbox.erase(somebody()),
        lambda outbox: outbox.note("host", "text"),
        lambda outbox: outbox.check(),
    ],
)
def test_a_closed_outbox_refuses_and_keeps_nothing(
    home: Home, use: Callable[[Outbox], object]
) -> None:
    closed = home.open()
    closed.put(some(1))
    closed.close()
    closed.close()  # twice does no harm
    with pytest.raises(BridgeClosed, match="is closed: nothing was done"):
        use(closed)
    assert states(home.open()) == (1, 0, 0)


def test_all_threads_learn_that_it_is_closed(home: Home) -> None:
    closed = home.open()
    closed.close()

    def put(_: int) -> str:
        with pytest.raises(BridgeClosed) as raised:
            closed.put(some(1))
        return str(raised.value)

    with ThreadPoolExecutor(8) as threads:
        assert all("is closed" in said for said in threads.map(put, range(200)))


def test_nothing_put_is_nothing_there(outbox: Outbox) -> None:
    outbox.put([])
    assert states(outbox) == (0, 0, 0)


def test_items_are_leased_in_order_of_puts(outbox: Outbox) -> None:
    completions = some(5)
    outbox.put(completions[:3])
    outbox.put(completions[3:])
    assert grains(outbox.lease(2, 60)) == ["0", "1"]
    assert grains(outbox.lease(10, 60)) == ["2", "3", "4"]


def test_a_lease_of_none_is_empty(outbox: Outbox) -> None:
    outbox.put(some(1))
    assert outbox.lease(0, 60) == []
    assert states(outbox) == (1, 0, 0)


def test_what_is_leased_is_not_leased_to_another(outbox: Outbox, other: Outbox) -> None:
    outbox.put(some(2))
    assert grains(outbox.lease(1, 60)) == ["0"]
    assert grains(other.lease(10, 60)) == ["1"]
    assert other.lease(10, 60) == []


def test_what_is_done_is_gone(home: Home, outbox: Outbox) -> None:
    outbox.put(some(3))
    items = outbox.lease(2, 60)
    assert outbox.done(items) == 2
    assert outbox.done(items) == 0
    assert outbox.done([]) == 0
    assert states(outbox) == (1, 0, 0)
    home.go(100)
    assert grains(outbox.lease(10, 60)) == ["2"]


def test_an_expired_lease_goes_to_another_worker(home: Home, outbox: Outbox, other: Outbox) -> None:
    outbox.put(some(2))
    outbox.lease(1, 60)
    home.go(59)
    assert grains(other.lease(10, 600)) == ["1"]
    home.go(2)
    assert states(outbox) == (1, 1, 0)
    (item,) = other.lease(10, 60)
    assert (item.completion.grain_id, item.attempts) == ("0", 2)


def test_each_lease_lasts_as_long_as_asked(home: Home, outbox: Outbox) -> None:
    outbox.put(some(2))
    outbox.lease(1, 1000)
    outbox.lease(1, 10)
    home.go(11)
    assert grains(outbox.lease(10, 1)) == ["1"]
    home.go(1000)
    assert grains(outbox.lease(10, 1)) == ["0", "1"]


def test_no_lease_or_delay_exceeds_a_day(home: Home, outbox: Outbox) -> None:
    outbox.put(some(2))
    (first, _) = outbox.lease(2, 100 * MAX_HOLD_SECONDS)
    outbox.give_back([first], 100 * MAX_HOLD_SECONDS)
    home.go(MAX_HOLD_SECONDS - 60)
    assert outbox.lease(10, 60) == []
    home.go(120)
    assert grains(outbox.lease(10, 60)) == ["0", "1"]


def test_a_late_worker_cannot_acknowledge_what_it_lost(
    home: Home, outbox: Outbox, other: Outbox
) -> None:
    outbox.put(some(2))
    lost, kept = outbox.lease(1, 10), outbox.lease(1, 1000)
    home.go(11)
    (now_theirs,) = other.lease(10, 60)
    assert not outbox.bury(lost[0], "late")
    assert outbox.give_back(lost) == 0
    assert outbox.done(lost + kept) == 1
    assert states(outbox) == (0, 1, 0)
    assert other.done([now_theirs]) == 1


def test_a_late_worker_keeps_what_nobody_asked_for(home: Home, outbox: Outbox) -> None:
    outbox.put(some(1))
    items = outbox.lease(1, 10)
    home.go(11)
    assert states(outbox) == (1, 0, 0)
    assert outbox.done(items) == 1
    assert states(outbox) == (0, 0, 0)


def test_what_is_given_back_is_due_at_once(outbox: Outbox) -> None:
    outbox.put(some(2))
    items = outbox.lease(1, 60)
    assert outbox.give_back(items) == 1
    assert outbox.give_back([]) == 0
    assert states(outbox) == (2, 0, 0)
    again = outbox.lease(10, 60)
    assert [(item.completion.grain_id, item.attempts) for item in again] == [("0", 2), ("1", 1)]
    assert outbox.done(items) == 0


def test_what_is_given_back_waits_for_its_delay(home: Home, outbox: Outbox) -> None:
    outbox.put(some(2))
    assert outbox.give_back(outbox.lease(1, 1000), delay=30) == 1
    assert states(outbox) == (2, 0, 0)
    assert grains(outbox.lease(10, 1000)) == ["1"]
    home.go(29)
    assert outbox.lease(10, 1000) == []
    home.go(2)
    assert grains(outbox.lease(10, 1000)) == ["0"]


def test_what_was_given_back_cannot_be_done(home: Home, outbox: Outbox) -> None:
    outbox.put(some(1))
    items = outbox.lease(1, 60)
    outbox.give_back(items, delay=30)
    assert outbox.done(items) == 0
    assert outbox.give_back(items) == 0
    assert not outbox.bury(items[0], "too late")
    home.go(31)
    assert len(outbox.lease(10, 60)) == 1


def test_a_dead_letter_keeps_completion_and_reason(home: Home, outbox: Outbox) -> None:
    completions = some(1)
    outbox.put(completions)
    (item,) = outbox.lease(1, 60)
    assert outbox.bury(item, "value too long: grain_id «é»")
    assert not outbox.bury(item, "again")
    assert states(outbox) == (0, 0, 1)
    (letter,) = outbox.dead()
    assert letter.completion == completions[0]
    assert letter.reason == "value too long: grain_id «é»"
    assert abs(letter.died_at - datetime.now(UTC)) < timedelta(minutes=5)
    home.go(10_000)
    assert outbox.lease(10, 60) == []


def test_dead_letters_come_by_page_oldest_first(outbox: Outbox) -> None:
    outbox.put(some(5))
    for item in reversed(outbox.lease(5, 60)):
        outbox.bury(item, "bad")
    first = outbox.dead(most=2)
    second = outbox.dead(most=2, after=first[-1].id)
    third = outbox.dead(most=2, after=second[-1].id)
    assert grains(first + second + third) == ["4", "3", "2", "1", "0"]
    assert outbox.dead(after=third[-1].id) == []
    assert outbox.dead(after="nobody's id") == []


def test_a_replayed_letter_is_like_new_and_last(outbox: Outbox) -> None:
    outbox.put(some(1))
    outbox.bury(outbox.lease(1, 60)[0], "bad")
    (letter,) = outbox.dead()
    outbox.put([done(somebody(), "later")])
    assert outbox.replay([letter.id, letter.id, "0", "nobody's id"]) == 1
    assert states(outbox) == (2, 0, 0)
    items = outbox.lease(10, 60)
    assert [(i.completion.grain_id, i.attempts) for i in items] == [("later", 1), ("0", 1)]
    assert outbox.replay([letter.id]) == 0
    assert outbox.done(items) == 2


def test_a_dropped_letter_is_gone(outbox: Outbox) -> None:
    outbox.put(some(2))
    for item in outbox.lease(2, 60):
        outbox.bury(item, "bad")
    first, second = outbox.dead()
    assert outbox.drop([first.id, first.id, "nobody's id"]) == 1
    assert [letter.id for letter in outbox.dead()] == [second.id]
    assert (outbox.drop([]), outbox.replay([])) == (0, 0)


def test_a_dead_letters_id_is_never_reused(outbox: Outbox) -> None:
    outbox.put(some(2))
    items = outbox.lease(2, 60)
    outbox.bury(items[0], "bad")
    (first,) = outbox.dead()
    outbox.drop([first.id])
    outbox.bury(items[1], "bad")
    assert outbox.dead()[0].id != first.id


def test_a_learner_is_erased_where_nothing_is_leased(outbox: Outbox) -> None:
    gone, stays = somebody("moodle"), somebody("moodle")
    outbox.put(some(4, gone) + some(1, stays))
    dead, leased, back = outbox.lease(3, 60)
    outbox.bury(dead, "bad")
    outbox.give_back([back], delay=30)
    assert outbox.erase(gone) == Erased(gone=3, leased=1)
    assert outbox.erase(gone) == Erased(gone=0, leased=1)
    assert states(outbox) == (1, 1, 0)
    assert outbox.done([leased]) == 1
    assert outbox.erase(gone) == Erased(gone=0, leased=0)
    assert [item.completion.identity for item in outbox.lease(10, 60)] == [stays]


def test_what_a_worker_holds_no_longer_is_erased(home: Home, outbox: Outbox) -> None:
    gone = somebody()
    outbox.put(some(1, gone))
    late = outbox.lease(1, 60)
    home.go(61)
    assert outbox.erase(gone) == Erased(gone=1, leased=0)
    assert (outbox.done(late), outbox.give_back(late)) == (0, 0)
    assert states(outbox) == (0, 0, 0)


def test_another_origins_same_id_is_not_erased(outbox: Outbox) -> None:
    moodle = somebody("moodle")
    outbox.put([done(moodle)])
    assert outbox.erase(Identity("funmooc", moodle.external_user_id)).gone == 0
    assert states(outbox) == (1, 0, 0)


def test_counts_are_right_when_the_newest_is_erased(outbox: Outbox) -> None:
    newest = somebody()
    outbox.put(some(3))
    outbox.put(some(2, newest))
    assert outbox.erase(newest).gone == 2
    assert states(outbox) == (3, 0, 0)
    outbox.put(some(1))
    assert states(outbox) == (4, 0, 0)
    assert outbox.done(outbox.lease(10, 60)) == 4
    outbox.put(some(2))
    assert states(outbox) == (2, 0, 0)


def test_more_than_a_page_is_erased(outbox: Outbox) -> None:
    who = somebody()
    outbox.put(some(2500, who) + some(3))
    assert outbox.erase(who).gone == 2500
    assert states(outbox) == (3, 0, 0)


def test_what_nobody_holds_of_a_learner_becomes_anothers(outbox: Outbox) -> None:
    guest, account, stays = somebody(), somebody(), somebody("moodle")
    outbox.put([*some(5, guest), *some(1, stays)])
    dead, back, leased = outbox.lease(3, 60)
    outbox.bury(dead, "bad")
    outbox.give_back([back], delay=30)
    assert outbox.move(guest, account) == 1
    assert states(outbox) == (5, 1, 0)
    assert outbox.done([leased]) == 1
    assert outbox.move(guest, account) == 0
    items = outbox.lease(10, 60)
    assert grains(items) == ["0", "1", "3", "4", "0"]
    assert [item.completion.identity for item in items] == [stays, *[account] * 4]
    assert outbox.done(items) == 5
    assert states(outbox) == (0, 0, 0)
    assert outbox.counts().oldest is None


def test_a_late_worker_loses_what_was_moved(home: Home, outbox: Outbox) -> None:
    guest, account = somebody(), somebody()
    outbox.put(some(1, guest))
    late = outbox.lease(1, 60)
    home.go(61)
    assert outbox.move(guest, account) == 0
    assert (outbox.done(late), outbox.give_back(late)) == (0, 0)
    (item,) = outbox.lease(1, 60)
    assert (item.completion.identity, item.attempts) == (account, 1)


def test_a_moved_completion_is_as_it_was_put(home: Home) -> None:
    guest, account = somebody(), somebody()
    outbox = home.open(store_email=True)
    outbox.put([done(guest, "é", module_id="m", sequence_id="s", email="a@example.org")])
    assert outbox.move(guest, guest) == 0
    assert outbox.move(guest, account) == 0
    (item,) = outbox.lease(10, 60)
    assert item.completion == done(account, "é", module_id="m", sequence_id="s")
    assert item.completion.email == "a@example.org"


def test_more_than_a_page_is_moved(outbox: Outbox) -> None:
    guest, account = somebody(), somebody()
    outbox.put(some(2500, guest) + some(3))
    assert outbox.move(guest, account) == 0
    assert states(outbox) == (2503, 0, 0)
    assert outbox.erase(account).gone == 2500


def test_the_oldest_is_as_old_as_its_put(home: Home, outbox: Outbox) -> None:
    outbox.put(some(1))
    age = outbox.counts().oldest
    assert age is not None
    assert 0 <= age < 60
    if home.name == "sqlite":  # the age in Redis is by the server's clock, which tests leave alone
        home.go(120)
        assert outbox.counts().oldest == pytest.approx(age + 120)
        outbox.put(some(1))
        outbox.lease(1, 1)
        assert outbox.counts().oldest == pytest.approx(age + 120)


def test_the_oldest_is_the_next_after_done(outbox: Outbox) -> None:
    outbox.put(some(1))
    items = outbox.lease(1, 60)
    assert outbox.counts().oldest is not None
    outbox.done(items)
    assert outbox.counts().oldest is None


def test_a_check_of_a_sound_outbox_finds_nothing(outbox: Outbox) -> None:
    findings = outbox.check()
    assert findings
    assert [finding for finding in findings if not finding.ok] == []


def test_the_unreadable_is_buried_and_delays_nobody(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Completion.from_dict

    def stricter(values: Mapping[str, str]) -> Completion:
        if values["grain_id"] == "0":
            raise InvalidCompletion("grain_id", "a rule of another version", "0", RuleCode.EMPTY)
        return read(values)

    monkeypatch.setattr(Completion, "from_dict", stricter)
    outbox.put(some(2))
    assert grains(outbox.lease(10, 60)) == ["1"]
    (letter,) = outbox.dead()
    assert letter.completion is None
    assert "cannot read" in letter.reason
    monkeypatch.undo()
    assert outbox.replay([letter.id]) == 1
    assert grains(outbox.lease(10, 60)) == ["0"]
