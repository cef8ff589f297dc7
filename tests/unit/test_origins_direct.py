"""Guests of the direct site: their cookies, and what becomes of their progress."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
import time_machine

from bridge import Bridge, Completion, CompletionRejected, ConfigurationError, Identity, Settings
from bridge.config import OutboxSettings
from bridge.delivery.loop import Delivery
from bridge.errors import StoreUnavailable
from bridge.model import Outcome
from bridge.origins.direct import COOKIE_LIFETIME_SECONDS, Guest, Guests, NoGuest, account
from bridge.outbox.sqlite import SQLiteOutbox
from bridge.stores.memory import MemoryStore
from bridge.tokens import Tokens
from tests.contract.learners import NOON, done, somebody

KEY, OLD_KEY, FOREIGN_KEY = "k" * 32, "o" * 32, "f" * 32
SETTINGS = Settings.from_mapping(
    {"store": {"url": "memory:"}, "tokens": {"keys": [{"id": "1", "secret": KEY}]}}
)


@pytest.fixture
def guests() -> Guests:
    return Guests.from_settings(SETTINGS)


@pytest.fixture
def bridge() -> Bridge:
    return Bridge(MemoryStore())


@pytest.fixture
def with_outbox(tmp_path: Path) -> Iterator[Bridge]:
    outbox = SQLiteOutbox(OutboxSettings(url=f"sqlite:///{tmp_path / 'outbox.db'}"))
    with Bridge(MemoryStore(), outbox) as bridge:
        yield bridge


def record(bridge: Bridge, who: Identity, *grains: str, hours: float = 0) -> None:
    list(bridge.record_many(done(who, grain, hours) for grain in grains))


def grains(bridge: Bridge, who: Identity) -> set[str]:
    return {row.grain_id for row in bridge.store.progress(who)}


def deliver(bridge: Bridge) -> None:
    assert bridge.outbox
    Delivery(bridge.outbox, bridge.store, spawn=lambda work: work()).step()


# --- cookies -----------------------------------------------------------------------------------


def test_visitor_without_a_cookie_is_a_new_guest(guests: Guests) -> None:
    first, second = guests.guest(None), guests.guest("")
    assert first.new
    assert first.identity.origin == "direct"
    assert uuid.UUID(first.identity.external_user_id).version == 4
    assert first.identity != second.identity


def test_returning_guest_keeps_identity_and_cookie(guests: Guests) -> None:
    first = guests.new()
    again = guests.guest(first.proof)
    assert (again.identity, again.issued_at) == (first.identity, first.issued_at)
    assert not again.new


def test_cookie_is_hidden_from_scripts_and_other_sites(guests: Guests) -> None:
    guest = guests.new()
    assert guests.cookie(guest) == {
        "key": "__Host-progress-guest",
        "value": guest.proof,
        "max_age": pytest.approx(COOKIE_LIFETIME_SECONDS, abs=2),
        "path": "/",
        "secure": True,
        "httponly": True,
        "samesite": "Lax",
    }


def test_the_header_says_what_the_arguments_say(guests: Guests) -> None:
    guest = guests.new()
    header = guests.header(guest)
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(header.split("; "))
    assert SimpleCookie(header)["__Host-progress-guest"].value == guest.proof
    age = int(SimpleCookie(header)["__Host-progress-guest"]["max-age"])
    assert age == pytest.approx(COOKIE_LIFETIME_SECONDS, abs=2)
    plain = Guests([KEY], secure=False)
    assert plain.header(guest).startswith("progress-guest=")
    assert "Secure" not in plain.header(guest)


def test_a_visit_does_not_prolong_the_cookie(guests: Guests) -> None:
    with time_machine.travel(NOON, tick=False):
        first = guests.new()
    with time_machine.travel(NOON + timedelta(days=300), tick=False):
        left = guests.cookie(guests.guest(first.proof))["max_age"]
        assert left == COOKIE_LIFETIME_SECONDS - 300 * 86_400
    with time_machine.travel(NOON - timedelta(seconds=5), tick=False):  # on another machine
        assert guests.guest(first.proof).identity == first.identity
    with time_machine.travel(NOON - timedelta(seconds=15), tick=False):
        assert guests.read(first.proof) is None
    with time_machine.travel(NOON + timedelta(seconds=COOKIE_LIFETIME_SECONDS + 1), tick=False):
        assert guests.guest(first.proof).identity != first.identity


@pytest.mark.parametrize("month", range(1, 13))
def test_a_cookie_never_lives_longer_than_thirteen_months(month: int) -> None:
    issued = datetime(2026, month, 1, tzinfo=UTC)
    years, index = divmod(month - 1 + 13, 12)
    lifetime = timedelta(seconds=COOKIE_LIFETIME_SECONDS)
    assert issued + lifetime <= issued.replace(2026 + years, index + 1)


def test_cookie_of_foreign_key_makes_a_new_guest(guests: Guests) -> None:
    guest, foreign = guests.new(), Guests([FOREIGN_KEY]).new()
    other = str(uuid.uuid4())
    tampered = guest.proof.replace(guest.identity.external_user_id, other)
    launch = Tokens(SETTINGS.tokens).issue(Identity("direct", other))
    for proof in (foreign.proof, tampered, guest.proof[:-1], other, launch, "é", "\0", "." * 9999):
        assert guests.read(proof) is None
        found = guests.guest(proof)
        assert found.new
        assert found.identity.external_user_id not in proof


def test_keys_are_rotated_without_losing_a_guest() -> None:
    guest = Guests([OLD_KEY]).new()
    rotated = Guests([KEY, OLD_KEY])
    assert rotated.guest(guest.proof).identity == guest.identity
    assert Guests([OLD_KEY]).read(rotated.new().proof) is None
    assert Guests([KEY]).read(rotated.new().proof)


def test_a_guests_proof_is_not_shown(guests: Guests) -> None:
    assert guests.new().proof not in repr(guests.new())
    guest = guests.new()
    assert guest.proof not in repr(guest)
    assert guest.identity.external_user_id not in repr(guest)


def test_keys_are_needed() -> None:
    for keys in ([], ["short"], [KEY, ""]):
        with pytest.raises(ConfigurationError, match="32 bytes"):
            Guests(keys)
    with pytest.raises(ConfigurationError, match=r"tokens\.keys: none for direct"):
        Guests.from_settings(Settings.from_mapping({"store": {"url": "memory:"}}))


def test_missing_package_is_named_with_its_installation() -> None:
    forbidden = "import sys; sys.modules['itsdangerous'] = None; import bridge.origins.direct"
    done = subprocess.run(
        [sys.executable, "-c", forbidden], capture_output=True, text=True, check=False
    )
    assert "ConfigurationError: itsdangerous is not installed; pip install" in done.stderr


# --- accounts ----------------------------------------------------------------------------------


def test_numbered_account_is_always_the_same_learner() -> None:
    who = account("https://www.example.org", 42)
    assert who == Identity("direct", "23ebdc33-c9b0-5193-bfdd-31b853603af9")
    assert who == account("https://www.example.org", "42")


def test_other_numbers_and_sites_are_other_learners() -> None:
    assert len({account(site, n) for site in ("a", "b") for n in range(100)}) == 200


@pytest.mark.parametrize(("site", "number"), [("", 1), (" ", 1), ("a", ""), ("a", " ")])
def test_an_account_without_a_name_is_nobody(site: str, number: int | str) -> None:
    with pytest.raises(ValueError, match="a site and the id"):
        account(site, number)


# --- claims ------------------------------------------------------------------------------------


def test_claim_moves_progress_and_empties_the_guest(guests: Guests, bridge: Bridge) -> None:
    guest, alice = guests.new(), account("site", 1)
    record(bridge, guest.identity, "g1", "g2")
    after = guests.claim(bridge, guest.proof, alice)
    assert grains(bridge, alice) == {"g1", "g2"}
    assert bridge.store.export(guest.identity) is None
    assert after.new
    assert after.identity not in (guest.identity, alice)


def test_of_two_completions_the_earliest_stays(guests: Guests, bridge: Bridge) -> None:
    guest, alice = guests.new(), account("site", 1)
    record(bridge, guest.identity, "g1", hours=-2)
    record(bridge, alice, "g1", hours=-1)
    record(bridge, guest.identity, "g2", hours=-1)
    record(bridge, alice, "g2", hours=-2)
    guests.claim(bridge, guest.proof, alice)
    two_hours = NOON - timedelta(hours=2)
    assert [row.completed_at for row in bridge.store.progress(alice)] == [two_hours, two_hours]


def test_waiting_completions_are_claimed_for_good(guests: Guests, with_outbox: Bridge) -> None:
    bridge, guest, alice = with_outbox, guests.new(), account("site", 1)
    record(bridge, guest.identity, "recorded")
    deliver(bridge)
    record(bridge, guest.identity, "waiting")
    guests.claim(bridge, guest.proof, alice)
    deliver(bridge)
    assert grains(bridge, alice) == {"recorded", "waiting"}
    assert bridge.store.export(guest.identity) is None


def test_claim_waits_for_a_delivery_under_way(guests: Guests, with_outbox: Bridge) -> None:
    bridge, guest, alice = with_outbox, guests.new(), account("site", 1)
    record(bridge, guest.identity, "under way")
    assert bridge.outbox
    (item,) = bridge.outbox.lease(1, 60)
    with pytest.raises(StoreUnavailable) as caught:
        guests.claim(bridge, guest.proof, alice, patience=0)
    assert caught.value.retry_after
    bridge.store.record([item.completion])
    bridge.outbox.done([item])
    guests.claim(bridge, guest.proof, alice)
    assert grains(bridge, alice) == {"under way"}
    assert bridge.store.export(guest.identity) is None


def test_interrupted_claim_loses_nothing_and_can_be_repeated(
    guests: Guests, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, alice = guests.new(), account("site", 1)
    record(bridge, guest.identity, "g1")

    def down(*_: object) -> None:
        raise StoreUnavailable("down")

    for step in ("progress", "record", "erase"):
        with monkeypatch.context() as patch:
            patch.setattr(bridge.store, step, down)
            with pytest.raises(StoreUnavailable):
                guests.claim(bridge, guest.proof, alice)
        assert grains(bridge, guest.identity) == {"g1"}
    guests.claim(bridge, guest.proof, alice)
    guests.claim(bridge, guest.proof, alice)
    assert grains(bridge, alice) == {"g1"}


def test_rows_refused_for_the_account_stay_the_guests(
    guests: Guests, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, alice = guests.new(), account("site", 1)
    record(bridge, guest.identity, "g1")
    monkeypatch.setattr(bridge.store, "record", lambda _: [Outcome.rejected("no")])
    with pytest.raises(CompletionRejected):
        guests.claim(bridge, guest.proof, alice)
    assert grains(bridge, guest.identity) == {"g1"}


def test_completion_during_the_claim_is_claimed_too(
    guests: Guests, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, alice, erase = guests.new(), account("site", 1), bridge.store.erase
    record(bridge, guest.identity, "g1")

    def erase_then_another(who: Identity) -> bool:
        monkeypatch.undo()
        found = erase(who)
        record(bridge, who, "g2")
        return found

    monkeypatch.setattr(bridge.store, "erase", erase_then_another)
    guests.claim(bridge, guest.proof, alice)
    assert grains(bridge, alice) == {"g1", "g2"}
    assert grains(bridge, guest.identity) == set()


def test_completion_recorded_during_the_move_is_not_erased(
    guests: Guests, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, alice, recording = guests.new(), account("site", 1), bridge.store.record
    record(bridge, guest.identity, "g1")

    def record_and_another(completions: Sequence[Completion]) -> list[Outcome]:
        monkeypatch.undo()
        outcomes = recording(completions)
        record(bridge, guest.identity, "g2")
        return outcomes

    monkeypatch.setattr(bridge.store, "record", record_and_another)
    guests.claim(bridge, guest.proof, alice)
    assert grains(bridge, alice) == {"g1", "g2"}
    assert bridge.store.export(guest.identity) is None


def test_a_guest_who_did_nothing_can_be_claimed(guests: Guests, bridge: Bridge) -> None:
    guests.claim(bridge, guests.new().proof, account("site", 1))


def test_what_proves_no_guest_claims_nothing(guests: Guests, bridge: Bridge) -> None:
    alice, bob = account("site", 1), account("site", 2)
    record(bridge, alice, "g1")
    forged = Guests([FOREIGN_KEY])
    launch = Tokens(SETTINGS.tokens).issue(alice)
    for proof in (None, "", alice.external_user_id, forged.new().proof, launch):
        with pytest.raises(NoGuest):
            guests.claim(bridge, proof, bob)
    assert (grains(bridge, alice), grains(bridge, bob)) == ({"g1"}, set())


def test_foreign_account_or_the_guest_itself_claims_nothing(guests: Guests, bridge: Bridge) -> None:
    guest = guests.new()
    record(bridge, guest.identity, "g1")
    for who in (somebody("moodle"), guest.identity):
        with pytest.raises(ValueError, match="no guest"):
            guests.claim(bridge, guest.proof, who)
    assert grains(bridge, guest.identity) == {"g1"}


def test_bob_gets_nothing_that_alice_claimed_before(guests: Guests, bridge: Bridge) -> None:
    guest: Guest = guests.new()
    alice, bob = account("site", 1), account("site", 2)
    record(bridge, guest.identity, "g1")
    after = guests.claim(bridge, guest.proof, alice)
    for proof in (after.proof, guest.proof):  # the computer's new cookie, and a copy of the old one
        guests.claim(bridge, proof, bob)
    assert (grains(bridge, alice), grains(bridge, bob)) == ({"g1"}, set())
