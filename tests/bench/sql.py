"""The SQL store on PostgreSQL, against the SQL one would write by hand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg

from bridge import Bridge
from bridge.config import Settings, StoreSettings
from bridge.facade import BATCH
from bridge.model import Completion, Identity, Origin
from tests.bench.bed import SCHEMA, Bed
from tests.bench.measure import Bench, Result, Rival, Side, chunks, compare, rate

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

ADD_LEARNERS: Final = """
    INSERT INTO apprenants (origin, external_user_id, date_creation)
    SELECT *, now() FROM unnest(%s::text[], %s::text[])
    ON CONFLICT DO NOTHING"""

ADD_PROGRESSES: Final = """
    INSERT INTO progress (apprenant_id, grain_id, module_id, sequence_id, completed_at)
    SELECT id, grain, module, sequence, instant
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[])
         AS sent (grain, module, sequence, instant, origin, external)
    JOIN apprenants a ON a.origin = sent.origin AND a.external_user_id = sent.external
    ON CONFLICT (apprenant_id, grain_id) DO UPDATE
    SET module_id = excluded.module_id, sequence_id = excluded.sequence_id,
        completed_at = excluded.completed_at
    WHERE excluded.completed_at < progress.completed_at"""


def postgresql(bed: Bed) -> Iterator[Result]:
    """Record 100,000 completions of 20,000 learners that nobody has seen, in no order."""
    completions = _completions(bed.count(20_000))

    def side(record: Recorder) -> Side:
        return lambda number: _timed(bed, f"{record.__name__}_{number}", completions, record)

    yield from compare(
        "sql-postgresql",
        side(by_store),
        Rival(
            side=side(by_executemany),
            against="INSERT … ON CONFLICT by executemany, as many rows a commit",
            bar=0.5,
        ),
        Rival(
            side=side(by_unnest),
            against="INSERT … ON CONFLICT of arrays, as many rows a statement and a commit",
            bar=0.5,
            suffix="-arrays",
        ),
        unit="completions/s",
    )


def by_store(url: str, completions: Sequence[Completion]) -> None:
    """Record them through the bridge."""
    with Bridge.from_settings(Settings(store=StoreSettings(url=url))) as bridge:
        for _ in bridge.record_many(completions):
            pass


def by_executemany(url: str, completions: Sequence[Completion]) -> None:
    """Record them with nothing but psycopg, in batches of the same size."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for batch in chunks(completions, BATCH):
            cursor.executemany(ADD_LEARNER, sorted(_learners(batch)))
            cursor.executemany(ADD_PROGRESS, [_row(completion) for completion in batch])
            connection.commit()


def by_unnest(url: str, completions: Sequence[Completion]) -> None:
    """Write the same with one statement for all rows of a batch: as fast as it gets by hand."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for batch in chunks(completions, BATCH):
            cursor.execute(ADD_LEARNERS, _columns(sorted(_learners(batch))))
            cursor.execute(ADD_PROGRESSES, _columns(_row(completion) for completion in batch))
            connection.commit()


def _timed(bed: Bed, name: str, completions: Sequence[Completion], record: Recorder) -> float:
    """Return the rate on a fresh base, which must hold every row afterwards."""
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


def _learners(completions: Iterable[Completion]) -> set[tuple[str, str]]:
    return {(str(c.identity.origin), c.identity.external_user_id) for c in completions}


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


def _columns(rows: Iterable[Sequence[object]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


BENCHES: Final[Mapping[str, Bench]] = {"sql-postgresql": postgresql}
