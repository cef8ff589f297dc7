"""The fault campaign in short, every kind of fault once. `make faults` is the long one."""

from __future__ import annotations

import secrets

import pytest

from tests.faults.campaign import Campaign, Plan
from tests.faults.faults import DISK_FULL, FAULTS, RESTORED, possible_here
from tests.faults.schedule import schedule
from tests.servers.need import need
from tests.servers.small_disk import why_no_mount

REDIS = (
    "Redis killed",
    "Redis frozen for longer than its time-out",
    "deliverer killed",
    "producer killed",
    "written, and the answer lost",
)


def test_nothing_is_lost_doubled_or_halved_whatever_fails() -> None:
    need("directus-11.17.4", "postgresql")
    kinds = [name for name in possible_here() if "sqlite" in FAULTS[name].outboxes]
    run(Plan(secrets.randbelow(10**6), "sqlite", 2000, len(kinds), refused_every=150))


def test_killing_redis_loses_doubles_and_halves_nothing() -> None:
    need("directus-11.17.4", "postgresql", "redis")
    run(Plan(secrets.randbelow(10**6), "redis", 800, 5, refused_every=150, only=REDIS))


def test_restoring_an_older_dump_gives_nobody_anothers_rows() -> None:
    need("directus-11.17.4", "postgresql")
    # Without deliverers killed: one that dies between a write and its being taken back, in the
    # moment of a restore, leaves the row. `bridge.stores.directus.confirming` tells of it.
    run(Plan(secrets.randbelow(10**6), "sqlite", 1500, 6, refused_every=150, only=(RESTORED,)))


def test_a_full_disk_refuses_and_loses_nothing() -> None:
    need("directus-11.17.4", "postgresql")
    if why_no_mount():
        pytest.skip(why_no_mount())
    only = (DISK_FULL, "producer killed")
    run(Plan(secrets.randbelow(10**6), "sqlite", 1500, 6, refused_every=150, only=only))


def run(plan: Plan) -> None:
    report = Campaign(plan, print).run()
    assert sum(of.times for of in report.survivals.values()) == plan.faults
    assert not report.wrong, f"{plan}\n" + "\n".join(report.wrong)


@pytest.mark.parametrize("outbox", ["sqlite", "redis"])
def test_a_seeds_schedule_has_every_kind_equally_often(
    outbox: str,
) -> None:
    slots = schedule(7, outbox, 200)
    assert slots == schedule(7, outbox, 200)
    assert slots != schedule(8, outbox, 200)
    names = [event.name for slot in slots for event in slot]
    assert len(names) == 200
    times = [names.count(name) for name, fault in FAULTS.items() if outbox in fault.outboxes]
    assert max(times) - min(times) <= 1
    assert all(len({event.side for event in slot}) == len(slot) for slot in slots)
    assert any(len(slot) == 2 for slot in slots)
