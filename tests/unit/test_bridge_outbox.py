"""The façade with an outbox: accepted or not, and never in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge import (
    BeingDelivered,
    Bridge,
    BridgeClosed,
    Completion,
    Identity,
    OutboxUnavailable,
    Settings,
    Status,
    StoreMisconfigured,
    StoreUnavailable,
)
from bridge.config import OutboxSettings
from bridge.delivery.loop import Delivery
from bridge.outbox import Erased, Leased
from bridge.outbox.sqlite import SQLiteOutbox
from bridge.stores.memory import MemoryStore
from tests.contract.learners import done, somebody


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    outbox = SQLiteOutbox(OutboxSettings(url=f"sqlite:///{tmp_path / 'outbox.db'}"))
    with Bridge(MemoryStore(), outbox) as bridge:
        yield bridge


def waiting(bridge: Bridge) -> int:
    assert bridge.outbox
    return bridge.outbox.counts().waiting


def leased_by_a_deliverer(bridge: Bridge) -> list[Leased]:
    """Put a grain of two learners each, while a second grain of the first is being delivered."""
    for learner in (1, 2):
        bridge.record("moodle", learner, "g1")
    deliver(bridge)
    bridge.record("moodle", 1, "g2")
    assert bridge.outbox
    return bridge.outbox.lease(10, 60)


def deliver_these(bridge: Bridge, leased: list[Leased]) -> None:
    bridge.store.record([item.completion for item in leased])
    assert bridge.outbox
    bridge.outbox.done(leased)


def deliver(bridge: Bridge) -> None:
    assert bridge.outbox
    Delivery(bridge.outbox, bridge.store, spawn=lambda work: work()).step()


def test_a_completion_is_accepted_then_delivered(bridge: Bridge) -> None:
    assert bridge.record("moodle", 1, "g1").status is Status.ACCEPTED
    assert bridge.progress("moodle", 1) == []
    deliver(bridge)
    assert [row.grain_id for row in bridge.progress("moodle", 1)] == ["g1"]


def test_many_are_accepted_in_order(bridge: Bridge) -> None:
    outcomes = list(bridge.record_many(done(somebody(), str(n)) for n in range(3000)))
    assert {outcome.status for outcome in outcomes} == {Status.ACCEPTED}
    assert len(outcomes) == waiting(bridge) == 3000


def test_a_store_that_is_down_does_not_matter(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge.store, "record", None)
    assert bridge.record("moodle", 1, "g1").status is Status.ACCEPTED


def test_a_failing_outbox_is_not_silently_passed_over(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(completions: list[Completion]) -> None:
        raise OutboxUnavailable("the disk is full")

    monkeypatch.setattr(bridge.outbox, "put", fail)
    with pytest.raises(OutboxUnavailable, match="disk is full"):
        bridge.record("moodle", 1, "g1")
    assert bridge.progress("moodle", 1) == []


def test_erasing_a_learner_erases_what_waits(bridge: Bridge) -> None:
    bridge.record("moodle", 1, "g1")
    deliver(bridge)
    bridge.record("moodle", 1, "g2")
    bridge.record("moodle", 2, "g2")
    assert bridge.erase("moodle", 1)
    assert waiting(bridge) == 1
    deliver(bridge)
    assert bridge.export("moodle", 1) is None
    assert not bridge.erase("moodle", 1)


def test_a_learner_who_only_waits_can_be_erased(bridge: Bridge) -> None:
    bridge.record("moodle", 1, "g1")
    assert bridge.erase("moodle", 1)
    assert not bridge.erase("moodle", 1)


def test_erasing_during_a_delivery_must_be_repeated(bridge: Bridge) -> None:
    leased = leased_by_a_deliverer(bridge)
    with pytest.raises(BeingDelivered, match="erase again"):
        bridge.erase("moodle", 1, patience=0)
    assert bridge.erase("moodle", 2, patience=0)
    assert [row.grain_id for row in bridge.progress("moodle", 1)] == ["g1"]
    deliver_these(bridge, leased)
    assert bridge.erase("moodle", 1, patience=0)
    assert bridge.export("moodle", 1) is None
    assert not bridge.erase("moodle", 1)


def test_erasing_waits_for_a_deliverer(bridge: Bridge) -> None:
    leased = leased_by_a_deliverer(bridge)
    assert bridge.outbox
    erase = bridge.outbox.erase

    def erase_then_deliver(who: Identity) -> Erased:
        found = erase(who)
        if found.leased:
            deliver_these(bridge, leased)
        return found

    bridge.outbox.erase = erase_then_deliver
    assert bridge.erase("moodle", 1)
    assert bridge.export("moodle", 1) is None
    assert not bridge.erase("moodle", 1)


def test_the_configuration_says_whether_there_is_an_outbox(tmp_path: Path) -> None:
    mapping = {"store": {"url": "memory:"}}
    with Bridge.from_settings(Settings.from_mapping(mapping)) as bridge:
        assert bridge.record("moodle", 1, "g1").status is Status.CREATED
    outbox = {"url": f"sqlite:///{tmp_path / 'outbox.db'}"}
    with Bridge.from_settings(Settings.from_mapping({**mapping, "outbox": outbox})) as bridge:
        assert bridge.record("moodle", 1, "g1").status is Status.ACCEPTED


def test_the_check_tells_of_both(bridge: Bridge) -> None:
    said = [finding.message for finding in bridge.check()]
    assert len(said) == 2
    assert "outbox" in said[1]


def test_the_identity_is_checked_before_the_put(bridge: Bridge) -> None:
    with pytest.raises(ValueError, match="leading zero"):
        bridge.record("moodle", "007", "g1")
    assert waiting(bridge) == 0
    assert bridge.progress("moodle", Identity("moodle", 7).external_user_id) == []


def test_an_erasure_asked_for_is_the_deliverers(bridge: Bridge) -> None:
    bridge.record("moodle", 1, "g1")
    deliver(bridge)
    bridge.record("moodle", 1, "g2")
    bridge.record("moodle", 2, "g2")
    assert not bridge.request_erasure("moodle", 1)
    assert not bridge.request_erasure("moodle", "1")
    assert bridge.outbox
    counts = bridge.outbox.counts()
    assert (counts.waiting, counts.erasures) == (1, 1)
    assert len(bridge.progress("moodle", 1)) == 1


def test_asking_for_an_erasure_needs_no_store(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "store", None)
    assert not bridge.request_erasure("moodle", 1)


def test_the_request_is_kept_before_anything_is_removed(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(identity: Identity) -> Erased:
        raise OutboxUnavailable("the disk is full")

    monkeypatch.setattr(bridge.outbox, "erase", fail)
    with pytest.raises(OutboxUnavailable, match="disk is full"):
        bridge.request_erasure("moodle", 1)
    assert bridge.outbox
    assert bridge.outbox.counts().erasures == 1


def test_without_an_outbox_the_store_erases_at_once() -> None:
    with Bridge(MemoryStore()) as bridge:
        bridge.record("moodle", 1, "g1")
        assert bridge.request_erasure("moodle", 1)
        assert bridge.request_erasure("moodle", 1)
        assert bridge.export("moodle", 1) is None


@pytest.mark.parametrize("error", [StoreUnavailable("down"), StoreMisconfigured("401")])
def test_without_outbox_a_store_failing_to_erase_tells(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(identity: Identity) -> bool:
        raise error

    with Bridge(MemoryStore()) as bridge:
        monkeypatch.setattr(bridge.store, "erase", fail)
        with pytest.raises(type(error)):
            bridge.request_erasure("moodle", 1)


def test_only_a_valid_learner_can_be_asked_for(bridge: Bridge) -> None:
    with pytest.raises(ValueError, match="leading zero"):
        bridge.request_erasure("moodle", "007")
    assert bridge.outbox
    assert bridge.outbox.counts().erasures == 0


LEARNER = Identity("moodle", 1)


@pytest.mark.parametrize("with_outbox", [True, False])
@pytest.mark.parametrize(
    "ask",
    [
        lambda bridge: bridge.record("moodle", 1, "g2"),
        lambda bridge: list(bridge.record_many([done(LEARNER, "g2")])),
        lambda bridge: bridge.progress("moodle", 1),
        lambda bridge: bridge.learner("moodle", 1),
        lambda bridge: bridge.export("moodle", 1),
        lambda bridge: bridge.erase("moodle", 1),
        lambda bridge: bridge.request_erasure("moodle", 1),
        lambda bridge: bridge.check(),
    ],
)
def test_a_closed_bridge_does_nothing_and_says_so(
    tmp_path: Path, with_outbox: bool, ask: Callable[[Bridge], object]
) -> None:
    values = {"store": {"url": f"sqlite:///{tmp_path}/progress.db"}}
    if with_outbox:
        values["outbox"] = {"url": f"sqlite:///{tmp_path}/outbox.db"}
    settings = Settings.from_mapping(values)
    with Bridge.from_settings(settings) as closed:
        closed.record("moodle", 1, "g1")
    with pytest.raises(BridgeClosed, match="this bridge is closed: nothing was done; open another"):
        ask(closed)
    with Bridge.from_settings(settings) as again:
        kept = waiting(again) if with_outbox else len(again.progress("moodle", 1))
    assert kept == 1


def test_closing_amid_many_keeps_what_was_answered(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.facade.BATCH", 2)
    outcomes = bridge.record_many(done(LEARNER, f"g{number}") for number in range(4))
    assert next(outcomes).status is Status.ACCEPTED
    assert next(outcomes).status is Status.ACCEPTED
    bridge.close()
    with pytest.raises(BridgeClosed):
        next(outcomes)
