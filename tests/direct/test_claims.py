"""Claims while the guest's completions are under way, on real outboxes and stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import Bridge, Identity, Settings, StoreUnavailable
from bridge.config import DeliverySettings, StoreSettings
from bridge.delivery.loop import Delivery
from bridge.origins.direct import Guest, Guests, account
from tests.contract.learners import done
from tests.servers.directus import Directus
from tests.servers.redis import Redis

GRAINS = 120


@contextmanager
def delivering(bridge: Bridge) -> Iterator[None]:
    """A deliverer at work, in batches so small that a claim always meets some of them."""
    assert bridge.outbox
    settings = DeliverySettings(batch=5, age=0.01)
    delivery = Delivery(bridge.outbox, bridge.store, settings)
    delivery.start()
    try:
        yield
    finally:
        assert delivery.stop(30)


def claim(guests: Guests, bridge: Bridge, guest: Guest, account: Identity) -> None:
    """Claim, as a learner does who is told to try again."""
    for _ in range(20):
        try:
            guests.claim(bridge, guest.proof, account)
        except StoreUnavailable:
            continue
        return
    raise AssertionError("the claim does not end")


def all_are_claimed(bridge: Bridge, number: int) -> None:
    """A guest's completions, some waiting, some under way, some recorded, end up the account's."""
    guests, alice = Guests(["k" * 32]), account("claims", number)
    guest = guests.new()
    completions = [done(guest.identity, str(grain)) for grain in range(GRAINS)]
    with delivering(bridge):
        list(bridge.record_many(completions))
        while not bridge.store.progress(guest.identity):
            pass
        claim(guests, bridge, guest, alice)
        assert bridge.outbox
        while bridge.outbox.counts().waiting or bridge.outbox.counts().leased:
            pass
    assert len(bridge.store.progress(alice)) == GRAINS
    assert bridge.store.export(guest.identity) is None


@pytest.fixture
def sqlite(tmp_path: Path) -> Settings:
    return Settings.from_mapping(
        {
            "store": {"url": f"sqlite:///{tmp_path / 'store.db'}"},
            "outbox": {"url": f"sqlite:///{tmp_path / 'outbox.db'}"},
        }
    )


@pytest.mark.parametrize("number", range(5))
def test_what_is_being_delivered_is_claimed_on_sqlite(sqlite: Settings, number: int) -> None:
    with Bridge.from_settings(sqlite) as bridge:
        all_are_claimed(bridge, number)


def test_what_is_being_delivered_is_claimed_on_redis(
    sqlite: Settings, redis_server: Redis, tmp_path: Path
) -> None:
    mapping = {
        "store": {"url": sqlite.store.url},
        "outbox": {"url": redis_server.url, "prefix": f"{tmp_path.name}:"},
    }
    with Bridge.from_settings(Settings.from_mapping(mapping)) as bridge:
        all_are_claimed(bridge, 0)


def test_what_is_being_delivered_is_claimed_on_directus(
    sqlite: Settings, directus_pg: Directus
) -> None:
    store: StoreSettings = directus_pg.store_settings
    with Bridge.from_settings(replace(sqlite, store=store)) as bridge:
        all_are_claimed(bridge, 0)
