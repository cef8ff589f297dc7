"""The SQL store on PostgreSQL, against the SQL one would write by hand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg

from bridge import Bridge
from bridge.bridge import BATCH
from bridge.config import Settings, StoreSettings
from bridge.model import Completion, Identity, Origin
from tests.bench.bed import SCHEMA, Bed
from tests.bench.measure import Bench, Result, compare, rate

Recorder = Callable[[str, Sequence[Completion]], None]

GRAINS: Final = 5
"""Completions of each learner."""

ADD_LEARNER: Final = """
    INSERT INTO apprenants (origin, external_user_id, date_creation) VALUES (%s, %s, now())
    ON CONFLICT DO NOTHING"""

ADD_PROGRESS: Final = """
    INSERT INTO progress (apprenant_id, grain_id, module_id, sequence_id, completed_at)
    SELECT id, %s, %s, %s, %s FROM apprenants WHERE origin = %s AND external_user_id = %s
    ON CONFLICT (apprenant_id, grain_id) DO UPDATE
    SET module_id = excluded.module_id, sequence_id = excluded.sequence_id,
        completed_at = excluded.completed_at
    WHERE excluded.completed_at < progress.completed_at"""


def postgresql(bed: Bed) -> Iterator[Result]:
    """100,000 completions of 20,000 learners that nobody has seen, in no order."""
    completions = _completions(bed.count(20_000))

    def store(number: int) -> float:
        return _timed(bed, f"store_{number}", completions, by_store)

    def hand(number: int) -> float:
        return _timed(bed, f"hand_{number}", completions, by_hand)

    yield compare(
        "sql-postgresql",
        store,
        hand,
        unit="completions/s",
        against="INSERT … ON CONFLICT, executemany of as many rows a commit",
        bar=0.5,
    )


def by_store(url: str, completions: Sequence[Completion]) -> None:
    """Record them through the bridge."""
    with Bridge.from_settings(Settings(store=StoreSettings(url=url))) as bridge:
        for _ in bridge.record_many(completions):
            pass


def by_hand(url: str, completions: Sequence[Completion]) -> None:
    """Record them with nothing but psycopg, in batches of the same size."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for start in range(0, len(completions), BATCH):
            batch = completions[start : start + BATCH]
            learners = {(str(c.identity.origin), c.identity.external_user_id) for c in batch}
            cursor.executemany(ADD_LEARNER, sorted(learners))
            cursor.executemany(ADD_PROGRESS, [_row(completion) for completion in batch])
            connection.commit()


def _timed(bed: Bed, name: str, completions: Sequence[Completion], record: Recorder) -> float:
    """The rate on a fresh base, which must hold every row afterwards."""
    url = bed.postgres.create_database(name)
    bed.postgres.psql(name, SCHEMA)
    figure = rate(len(completions), lambda: record(url, completions))
    with psycopg.connect(url) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM progress").fetchone() or (0,)
    if rows != len(completions):
        raise AssertionError(f"{name}: {rows} rows of {len(completions)}")
    bed.postgres.drop_database(name)
    return figure


def _completions(learners: int) -> list[Completion]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    completions = [
        Completion(
            Identity(Origin.MOODLE, learner + 1),
            f"grain-{grain}",
            "module-1",
            f"sequence-{grain // 2}",
            start + timedelta(seconds=learner * GRAINS + grain),
        )
        for learner in range(learners)
        for grain in range(GRAINS)
    ]
    random.Random(1).shuffle(completions)
    return completions


def _row(completion: Completion) -> tuple[str | datetime | None, ...]:
    who = completion.identity
    return (
        completion.grain_id,
        completion.module_id,
        completion.sequence_id,
        completion.completed_at,
        str(who.origin),
        who.external_user_id,
    )


BENCHES: Final[Mapping[str, Bench]] = {"sql-postgresql": postgresql}
