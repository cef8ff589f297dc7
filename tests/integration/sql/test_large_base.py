"""The scripts on 200,000 learners and 1,000,000 rows of progress: nothing lost, and the time."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.sql.base import Base, MakeBase

LEARNERS = 200_000
ROWS = 1_000_000
TWICE = LEARNERS
"""Rows of progress that say again, later, what another row says: one for each learner."""


@pytest.fixture(scope="module")
def large_base(make_base: MakeBase) -> Base:
    base = make_base()
    base.script("schema.sql")
    base.do(
        f"""INSERT INTO apprenants (moodle_user_id)
            SELECT 2 * n FROM generate_series(1, {LEARNERS}) n""",
        "ALTER TABLE progress DROP CONSTRAINT progress_apprenant_id_fkey",
        f"""INSERT INTO progress (apprenant_id, grain_id, module_id, sequence_id, completed_at)
            SELECT 1 + n % {LEARNERS}, 'grain-' || n % {ROWS - TWICE}, 'module', 'sequence',
                   timestamptz '2024-01-01' + n * interval '1 second'
              FROM generate_series(0, {ROWS - 1}) n""",
        """ALTER TABLE progress ADD CONSTRAINT progress_apprenant_id_fkey
           FOREIGN KEY (apprenant_id) REFERENCES apprenants (id) ON DELETE CASCADE""",
        "ANALYZE",
    )
    return base


Read = tuple[float, float]
"""When it began and when it ended, in seconds."""


@contextmanager
def reads(base: Base, table: str) -> Iterator[list[Read]]:
    """Note when each of a reader's reads of the table begins and ends meanwhile."""
    found: list[Read] = []
    done = threading.Event()

    def read() -> None:
        with base.connect() as connection:
            connection.autocommit = True
            while not done.wait(0.005):
                started = time.perf_counter()
                connection.execute(f"SELECT id FROM {table} WHERE id = 7".encode())
                found.append((started, time.perf_counter()))

    reader = threading.Thread(target=read)
    reader.start()
    yield found
    done.set()
    reader.join()


def longest(found: list[Read]) -> Read:
    return max(found, key=lambda read: read[1] - read[0])


def run(
    base: Base, script: str, capsys: pytest.CaptureFixture[str]
) -> tuple[list[Read], list[Read]]:
    """Run the script and return the reads of each table, printing the longest and its time."""
    started = time.perf_counter()
    with reads(base, "apprenants") as learners, reads(base, "progress") as progress:
        done = base.script(script)
        seconds = time.perf_counter() - started
    assert done.returncode == 0, done.stderr
    waits = [end - begin for begin, end in map(longest, (learners, progress))]
    with capsys.disabled():
        sys.stdout.write(
            f"\n{script}: {LEARNERS} learners, {ROWS} rows of progress in {seconds:.1f} s; "
            f"longest read of apprenants {waits[0]:.2f} s, of progress {waits[1]:.2f} s\n"
        )
    return learners, progress


def test_a_large_base_stays_readable_while_migrated(
    large_base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    learners, progress = run(large_base, "schema-migration-multi-origin.sql", capsys)
    locked, free = longest(learners)
    assert any(locked < begin < end < free for begin, end in progress)
    assert large_base.rows(
        """SELECT count(*), count(*) FILTER (
               WHERE origin = 'moodle' AND external_user_id = moodle_user_id::text)
             FROM apprenants"""
    ) == [(LEARNERS, LEARNERS)]
    assert large_base.rows("SELECT count(*) FROM progress") == [(ROWS,)]


def test_deduplicating_a_large_base_loses_no_row(
    large_base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    run(large_base, "progress-unique.sql", capsys)
    kept, aside = "SELECT count(*) FROM progress", "SELECT count(*) FROM progress_doublons"
    assert large_base.rows(kept) == [(ROWS - TWICE,)]
    assert large_base.rows(aside) == [(TWICE,)]
