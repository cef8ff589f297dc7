"""progress-unique.sql: one row for a learner and a grain, and the constraint that keeps it so."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from itertools import product

import pytest
from psycopg import errors

from bridge.model import Progress
from tests.integration.sql.base import INDEXES, Base, MakeBase, old_tables

SCRIPT = "progress-unique.sql"
NOTHING_TO_DO = "Rien à faire"
ROWS = "SELECT id, apprenant_id, grain_id FROM progress ORDER BY id"


def insert(*rows: str) -> str:
    columns = "id, apprenant_id, grain_id, module_id, sequence_id, completed_at"
    return f"INSERT INTO progress ({columns}) VALUES {', '.join(rows)}"


@pytest.fixture
def loose_base(make_base: MakeBase) -> Base:
    """Make an old base of two learners, with no NOT NULL or unique constraint on progress."""
    return make_base(old_tables(), "INSERT INTO apprenants VALUES (1, 11), (2, 12)")


@pytest.fixture
def base(loose_base: Base) -> Base:
    """Add four rows to `loose_base`, two of them in excess."""
    loose_base.do(
        insert(
            "(1, 1, 'g', 'm', 's', '2024-03-02')",
            "(2, 1, 'g', NULL, NULL, '2024-03-01')",
            "(3, 2, 'g', 'm', 's', '2024-03-03')",
            "(4, 1, 'g', 'm', 's', NULL)",
        )
    )
    return loose_base


@pytest.mark.parametrize("stop", [[], ["-v", "ON_ERROR_STOP=1"], ["-1"]], ids=str)
def test_the_earliest_row_stays_others_go_aside(base: Base, stop: list[str]) -> None:
    done = base.script(SCRIPT, *stop)
    assert done.returncode == 0, done.stderr
    assert "retirées : 2\n" in done.stdout
    assert "progress_doublons" in done.stdout
    assert base.rows(ROWS) == [(2, 1, "g"), (3, 2, "g")]
    assert base.rows("SELECT id, module_id, retire_le IS NOT NULL FROM progress_doublons") == [
        (1, "m", True),
        (4, "m", True),
    ]


def test_the_bridge_would_keep_the_same_row(loose_base: Base) -> None:
    instants = ["2024-03-01T00:00:00.001Z", "2024-03-01T00:00:00.002Z", None]
    texts = ["Z", "a", "é", "\U0001f600", "\uffee", None]
    rows = [
        Progress("g", module, sequence, at and datetime.fromisoformat(at).astimezone(UTC))
        for at, module, sequence in product(instants, texts, texts)
    ]
    # Every pair is a learner of its own; so is each with the rows the other way round.
    pairs = list(product(rows, rows))
    with loose_base.connect() as connection:
        connection.execute(
            "INSERT INTO apprenants SELECT n, n FROM generate_series(100, %s) n",
            [100 + len(pairs)],
        )
        with connection.cursor().copy(
            """COPY progress (apprenant_id, grain_id, module_id, sequence_id, completed_at)
               FROM STDIN"""
        ) as copy:
            for learner, pair in enumerate(pairs, start=100):
                for row in pair:
                    copy.write_row(
                        (learner, row.grain_id, row.module_id, row.sequence_id, row.completed_at)
                    )
    assert loose_base.script(SCRIPT).returncode == 0
    stayed = loose_base.rows(
        """SELECT grain_id, module_id, sequence_id, completed_at FROM progress
           ORDER BY apprenant_id"""
    )
    assert [Progress(*row) for row in stayed] == [
        other if other.precedes(row) else row for row, other in pairs
    ]


def test_between_equal_rows_the_first_written_stays(loose_base: Base) -> None:
    loose_base.do(
        insert("(9, 1, 'g', 'm', 's', '2024-03-01')", "(8, 1, 'g', 'm', 's', '2024-03-01')")
    )
    assert loose_base.script(SCRIPT).returncode == 0
    assert loose_base.rows(ROWS) == [(8, 1, "g")]


def test_afterwards_the_database_refuses_a_second_row(base: Base) -> None:
    assert base.script(SCRIPT).returncode == 0
    with pytest.raises(errors.UniqueViolation, match="progress_apprenant_id_grain_id_key"):
        base.do("INSERT INTO progress (apprenant_id, grain_id) VALUES (1, 'g')")


def test_a_second_run_changes_nothing(base: Base) -> None:
    assert base.script(SCRIPT).returncode == 0
    before = base.dump()
    again = base.script(SCRIPT)
    assert (again.returncode, again.stderr) == (0, "")
    assert NOTHING_TO_DO in again.stdout
    assert base.dump() == before


def test_a_fresh_base_has_it_already(fresh_base: Base) -> None:
    before = fresh_base.dump()
    assert NOTHING_TO_DO in fresh_base.script(SCRIPT).stdout
    assert fresh_base.dump() == before


def test_without_duplicates_no_table_is_left_beside_progress(old_base: Base) -> None:
    done = old_base.script(SCRIPT)
    assert "retirées : 0\n" in done.stdout
    assert old_base.rows("SELECT to_regclass('progress_doublons')") == [(None,)]


def test_duplicates_that_come_back_join_those_put_aside(base: Base) -> None:
    assert base.script(SCRIPT).returncode == 0
    base.do(
        "ALTER TABLE progress DROP CONSTRAINT progress_apprenant_id_grain_id_key",
        insert("(5, 1, 'g', 'm', 's', '2024-03-05')"),
    )
    assert base.script(SCRIPT).returncode == 0
    assert base.rows("SELECT id FROM progress_doublons ORDER BY id") == [(1,), (4,), (5,)]


def test_an_erasure_reaches_the_rows_put_aside(base: Base) -> None:
    assert base.script(SCRIPT).returncode == 0
    base.do("DELETE FROM progress WHERE apprenant_id = 1", "DELETE FROM apprenants WHERE id = 1")
    assert base.rows("SELECT * FROM progress_doublons") == []


def test_rows_without_learner_or_grain_stay(loose_base: Base) -> None:
    loose_base.do(insert(*(f"({n}, NULL, NULL, NULL, NULL, NULL)" for n in (1, 2))))
    assert "retirées : 0\n" in loose_base.script(SCRIPT).stdout
    assert len(loose_base.rows(ROWS)) == 2


def test_progress_of_gone_learners_is_deduplicated_too(loose_base: Base) -> None:
    loose_base.do(
        "ALTER TABLE progress DROP CONSTRAINT progress_apprenant_id_fkey",
        insert("(1, 99, 'g', NULL, NULL, '2024-03-01')", "(2, 99, 'g', NULL, NULL, '2024-03-02')"),
    )
    done = loose_base.script(SCRIPT)
    assert done.returncode == 0, done.stderr
    assert loose_base.rows(ROWS) == [(1, 99, "g")]


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_rows_that_refer_to_a_duplicate_stop_it(base: Base, action: str) -> None:
    base.do(
        "ALTER TABLE progress ADD COLUMN note text",
        f"CREATE TABLE avis (progress_id integer REFERENCES progress ON DELETE {action})",
        "INSERT INTO avis VALUES (1)",
    )
    before = base.dump()
    done = base.script(SCRIPT)
    assert done.returncode == 3
    assert "avis" in done.stderr
    assert base.dump() == before


@pytest.mark.parametrize(
    "by_hand",
    [
        "ALTER TABLE progress ADD CONSTRAINT une_fois UNIQUE (apprenant_id, grain_id)",
        "CREATE UNIQUE INDEX une_fois ON progress (apprenant_id, grain_id)",
    ],
)
def test_a_constraint_of_another_name_is_renamed(
    old_base: Base, fresh_base: Base, by_hand: str
) -> None:
    old_base.do(by_hand)
    assert old_base.script(SCRIPT).returncode == 0
    fresh = [row for row in fresh_base.rows(INDEXES) if row[0] == "progress"]
    assert [row for row in old_base.rows(INDEXES) if row[0] == "progress"] == fresh
    assert NOTHING_TO_DO in old_base.script(SCRIPT).stdout


def test_a_busy_table_is_left_alone_in_time(base: Base) -> None:
    before = base.dump()
    with base.connect() as writer:
        writer.execute("UPDATE progress SET module_id = 'n' WHERE id = 1")
        done = base.script(SCRIPT, PGOPTIONS="-c lock_timeout=200ms")
        writer.rollback()
    assert done.returncode == 3
    assert "occupée plus de 200ms" in done.stderr
    assert base.dump() == before


def test_readers_are_locked_out_only_at_the_end(base: Base) -> None:
    exit_codes: list[int] = []
    script = threading.Thread(target=lambda: exit_codes.append(base.script(SCRIPT).returncode))
    with base.connect() as reader:
        reader.execute("SELECT count(*) FROM progress")
        script.start()
        base.wait_for_lock("progress", "AccessExclusiveLock")
        held = """SELECT mode FROM pg_locks WHERE relation = 'progress'::regclass AND granted"""
        # Rows are deleted and the index is built, while this reader's transaction is open.
        assert {("RowExclusiveLock",), ("ShareLock",)} <= set(base.rows(held))
    script.join()
    assert exit_codes == [0]
    assert base.rows(ROWS) == [(2, 1, "g"), (3, 2, "g")]


def test_a_reader_who_stays_is_given_way(base: Base) -> None:
    before = base.dump()
    with base.connect() as reader:
        reader.execute("SELECT count(*) FROM progress")
        done = base.script(SCRIPT, PGOPTIONS="-c lock_timeout=200ms")
    assert done.returncode == 3
    assert "heure calme" in done.stderr
    assert base.dump() == before


def test_a_base_without_the_tables_is_refused(make_base: MakeBase) -> None:
    done = make_base("CREATE TABLE progress (id integer)").script(SCRIPT)
    assert done.returncode == 3
    assert "search_path" in done.stderr
