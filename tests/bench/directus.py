"""The Directus store, against what one would write without it: on the real server, over PostgreSQL.

Both sides have the bridge's own token, so Directus checks the same rights for both.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import psycopg

from bridge import Bridge
from bridge.config import Settings
from bridge.model import Completion, Identity, Origin, Status
from tests.bench.bed import Bed
from tests.bench.by_hand import TIMEOUT, BareLoop, OneByOne, row
from tests.bench.measure import Bench, Result, Rival, Side, compare, rate

ONE_BY_ONE: Final = "directus-sdk-py, one by one: get, create, get, create"
ENOUGH: Final = 150
"""Completions that tell the rate of recording one by one."""

GRAINS: Final = 5
"""Completions of each learner that is known."""


def new(bed: Bed) -> Iterator[Result]:
    """Record 2,000 completions of 2,000 learners that nobody has seen."""
    many, few = bed.count(2_000), bed.count(ENOUGH)
    hand = OneByOne(bed.directus.store_settings)

    def store(_: int) -> float:
        completions = _of_new_learners(many)
        with _bridge(bed) as bridge:
            return rate(len(completions), lambda: _record(bridge, completions, Status.CREATED))

    def one_by_one(_: int) -> float:
        completions = _of_new_learners(few)
        return rate(len(completions), lambda: hand.record(completions))

    rival = Rival(side=writing(bed, one_by_one, few), against=ONE_BY_ONE, bar=15)
    yield from compare("directus-new", writing(bed, store, many), rival, unit="completions/s")


def again(bed: Bed) -> Iterator[Result]:
    """Record 2,000 that are all recorded already, by a bridge that has not seen them."""
    completions = _of_new_learners(bed.count(2_000))
    few = completions[: bed.count(ENOUGH)]
    with _bridge(bed) as bridge:
        _record(bridge, completions, Status.CREATED)
    hand = OneByOne(bed.directus.store_settings)

    def store(_: int) -> float:
        with _bridge(bed) as bridge:
            return rate(
                len(completions), lambda: _record(bridge, completions, Status.ALREADY_RECORDED)
            )

    def one_by_one(_: int) -> float:
        return rate(len(few), lambda: hand.record(few))

    rival = Rival(side=writing(bed, one_by_one, 0), against=ONE_BY_ONE, bar=15)
    yield from compare("directus-again", writing(bed, store, 0), rival, unit="completions/s")


def known(bed: Bed) -> Iterator[Result]:
    """Record 5,000 completions of 1,000 learners whom the bridge knows, of grains new to them."""
    learners = identities(bed.count(1_000))
    with _bridge(bed) as bridge:
        _record(bridge, [Completion(who, "first") for who in learners], Status.CREATED)
        keys, loop = _keys(bed), BareLoop(bed.directus.store_settings)

        def store(number: int) -> float:
            completions = of_grains(learners, f"store-{number}")
            return rate(len(completions), lambda: _record(bridge, completions, Status.CREATED))

        def bare(number: int) -> float:
            completions = of_grains(learners, f"loop--{number}")
            rows = [row(keys[c.identity.external_user_id], c) for c in completions]
            return rate(len(rows), lambda: loop.post(rows))

        rows = GRAINS * len(learners)
        rival = Rival(
            side=writing(bed, bare, rows),
            against="a bare loop: the same rows in arrays of 500, over as many connections",
            bar=0.8,
        )
        yield from compare("directus-known", writing(bed, store, rows), rival, unit="completions/s")


def _bridge(bed: Bed) -> Bridge:
    """Make a bridge that waits as long as the other sides do: a busy machine is no failure."""
    store = replace(bed.directus.store_settings, read_timeout=TIMEOUT)
    return Bridge.from_settings(Settings(store=store))


def _record(bridge: Bridge, completions: Sequence[Completion], expected: Status) -> None:
    """Record them all, each with this outcome.

    Raises:
        AssertionError: another outcome came.
    """
    outcomes = {outcome.status for outcome in bridge.record_many(completions)}
    if outcomes != {expected}:
        raise AssertionError(f"{', '.join(outcomes)} instead of {expected}")


def identities(count: int) -> list[Identity]:
    """Make learners as Open edX names them, 32 hex characters."""
    return [Identity(Origin.FUNMOOC, uuid.uuid4().hex) for _ in range(count)]


def _of_new_learners(count: int) -> list[Completion]:
    now = datetime.now(UTC)
    return [Completion(who, "grain-1", "module-1", "seq-1", now) for who in identities(count)]


def of_grains(learners: Sequence[Identity], prefix: str) -> list[Completion]:
    """Make completions of `GRAINS` grains by every learner, learner after learner."""
    now = datetime.now(UTC)
    return [
        Completion(who, f"{prefix}-{grain}", "module-1", "seq-1", now)
        for who in learners
        for grain in range(GRAINS)
    ]


def _keys(bed: Bed) -> dict[str, int]:
    """Return the learners' keys by external id."""
    with psycopg.connect(bed.directus.database_url or "") as connection:
        return dict(connection.execute("SELECT external_user_id, id FROM apprenants").fetchall())


def writing(bed: Bed, side: Side, rows: int) -> Side:
    """Wrap the side, which has to write just so many rows of progress.

    Raises:
        AssertionError: it wrote another number of rows.
    """

    def checked(number: int) -> float:
        before = _rows(bed)
        figure = side(number)
        written = _rows(bed) - before
        if written != rows:
            raise AssertionError(f"{written} rows written instead of {rows}")
        return figure

    return checked


def _rows(bed: Bed) -> int:
    with psycopg.connect(bed.directus.database_url or "") as connection:
        found = connection.execute("SELECT count(*) FROM progress").fetchone()
    return int(found[0]) if found else 0


BENCHES: Final[Mapping[str, Bench]] = {
    "directus-new": new,
    "directus-again": again,
    "directus-known": known,
}
