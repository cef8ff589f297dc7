"""What no event announced is sent too, and what was acknowledged is not sent again."""

from __future__ import annotations

import time

import pytest

from tests.moodle.odd_bridge import Answer, OddBridge, Request, all_accepted
from tests.moodle.service import Service, eventually
from tests.moodle.site import (
    ACKNOWLEDGED,
    COMPLETE,
    INCOMPLETE,
    MORNING,
    WAITING,
    Site,
    completion_event,
)


def test_what_a_bulk_update_wrote_is_found(site: Site, bridge: Service, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.write_completion(7, learner)
    site.run("scheduled")
    assert site.items() == {(7, learner): (ACKNOWLEDGED, None)}
    eventually(lambda: len(bridge.rows(learner)) == 1)


def test_bulk_update_of_an_old_row_is_found(site: Site, learner: int) -> None:
    for cmid in (7, 8):
        site.add_activity(cmid, f"grain-{cmid}")
        site.write_completion(cmid, learner, INCOMPLETE)
    site.write_completion(8, learner)
    site.run("scheduled")
    assert set(site.items()) == {(8, learner)}
    site.write_completion(7, learner)
    site.run("scheduled")
    assert set(site.items()) == {(7, learner), (8, learner)}


def test_what_was_acknowledged_is_not_sent_again(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.write_completion(7, learner)
    with OddBridge(all_accepted) as odd:
        site.configure(odd.url, "key")
        for _ in range(3):
            site.run("scheduled")
        assert len(odd.requests) == 1


def test_earlier_completion_is_sent_and_later_is_not(
    site: Site, bridge: Service, learner: int
) -> None:
    site.add_activity(7, "grain-1")
    site.write_completion(7, learner, at=MORNING)
    site.run("scheduled")
    with OddBridge(all_accepted) as odd:
        site.configure(odd.url, "key")
        site.write_completion(7, learner, at=MORNING + 3600)
        site.run("scheduled")
        assert odd.requests == []
        site.write_completion(7, learner, at=MORNING - 3600)
        site.run("scheduled")
        [request] = odd.requests
        assert request.body[0]["completed_at"] == "2026-01-01T09:00:00Z"


def test_history_is_sent_in_batches_at_configured_pace(
    bare_site: Site,
) -> None:
    bare_site.add_activity(7, "grain-1")
    bare_site.sql(
        """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4500)
        INSERT INTO mdl_user (id, username) SELECT 10000 + i, 'u' || i FROM n"""
    )
    bare_site.sql(
        """INSERT INTO mdl_course_modules_completion
        (coursemoduleid, userid, completionstate, timemodified)
        SELECT 7, id, 1, 1767261600 FROM mdl_user WHERE id > 10000"""
    )
    with OddBridge(all_accepted) as odd:
        bare_site.configure(odd.url, "key", pace=2500)
        bare_site.run("scheduled")
        assert [len(request.body) for request in odd.requests] == [1000, 1000, 500]
        bare_site.run("scheduled")
        assert [len(request.body) for request in odd.requests[3:]] == [1000, 1000]
    learners = {item["external_user_id"] for request in odd.requests for item in request.body}
    assert len(learners) == 4500


def test_reconciliation_resumes_after_an_outage_without_loss(
    site: Site, bridge: Service, learner: int
) -> None:
    for cmid in (7, 8, 9):
        site.add_activity(cmid, f"grain-{cmid}")
    bridge.stop()
    site.complete(7, learner)
    site.write_completion(8, learner)
    assert "Nothing accepts connections" in site.cron()[0]
    site.complete(9, learner)
    assert site.items() == {(7, learner): (WAITING, None), (9, learner): (WAITING, None)}
    bridge.start()
    site.run("scheduled")
    assert [status for status, _ in site.items().values()] == [ACKNOWLEDGED] * 3
    eventually(
        lambda: [row[0] for row in bridge.rows(learner)] == ["grain-7", "grain-8", "grain-9"]
    )


def test_scheduled_task_succeeds_while_the_bridge_is_down(
    site: Site, bridge: Service, learner: int
) -> None:
    """Moodle would let it wait longer and longer, up to a day."""
    site.add_activity(7, "grain-1")
    site.write_completion(7, learner)
    bridge.stop()
    site.run("scheduled")  # raises when the task does
    assert "Nothing accepts connections" in site.mtrace[0]


def test_task_that_gives_up_frees_the_queue(site: Site, bridge: Service, learner: int) -> None:
    for cmid in (7, 8):
        site.add_activity(cmid, f"grain-{cmid}")
    bridge.stop()
    site.complete(7, learner)
    failures = [site.run("adhoc") for _ in range(12)]
    assert [len(failed) for failed in failures] == [1] * 11 + [0]
    assert site.queued() == []
    bridge.start()
    site.complete(8, learner)
    assert site.queued() == ["send"]
    site.run("adhoc")
    assert site.items() == {
        (7, learner): (ACKNOWLEDGED, None),
        (8, learner): (ACKNOWLEDGED, None),
    }


def test_outage_during_the_walk_loses_no_row(bare_site: Site) -> None:
    bare_site.add_activity(7, "grain-1")
    for user in range(100, 110):
        bare_site.add_user(user)
        bare_site.write_completion(7, user)
    answers = iter([Answer(503), Answer(cut=True)])

    def answer(request: Request) -> Answer:
        return next(answers, None) or all_accepted(request)

    with OddBridge(answer) as odd:
        bare_site.configure(odd.url, "key")
        for _ in range(3):
            bare_site.run("scheduled")
    assert {status for status, _ in bare_site.items().values()} == {ACKNOWLEDGED}
    assert len(bare_site.items()) == 10


def test_items_of_deleted_activities_are_forgotten(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.write_completion(7, learner)
    site.run("scheduled")
    site.sql("DELETE FROM mdl_course_modules")
    site.run("scheduled")
    assert site.items() == {}


def test_command_sends_everything_and_can_start_again(site: Site, learner: int) -> None:
    for cmid in range(20, 30):
        site.add_activity(cmid, f"grain-{cmid}")
        site.write_completion(cmid, learner)
    site.set("local_progressbridge", "pace", 3)
    done = site.php(site.plugin / "cli/reconcile.php")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "Completions acknowledged so far: 10"
    assert site.php(site.plugin / "cli/reconcile.php", "--again").returncode == 0
    assert "at any time" in site.php(site.plugin / "cli/reconcile.php", "-h").stdout
    assert site.php(site.plugin / "cli/reconcile.php", "--agian").returncode == 2


def test_the_command_says_why_it_cannot_go_on(site: Site, bridge: Service, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.write_completion(7, learner)
    bridge.stop()
    done = site.php(site.plugin / "cli/reconcile.php")
    assert done.returncode == 1
    assert "Nothing accepts connections" in done.stderr


@pytest.fixture(scope="module")
def large_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A million completions, of which the bridge has acknowledged all but the last 500."""
    made = Site(tmp_path_factory.mktemp("large"))
    for cmid in range(1, 101):
        made.add_activity(cmid, f"grain-{cmid}")
    made.sql(
        """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
        INSERT INTO mdl_user (id, username) SELECT 10000 + i, 'u' || i FROM n"""
    )
    made.sql(
        """INSERT INTO mdl_course_modules_completion
        (coursemoduleid, userid, completionstate, timemodified)
        SELECT a.id, u.id, 1, 1767261600 FROM mdl_user u, mdl_course_modules a WHERE u.id > 10000"""
    )
    made.sql(
        """INSERT INTO mdl_local_progressbridge_item
        (cmid, userid, status, idnumber, timecompleted, timecreated, timemodified)
        SELECT coursemoduleid, userid, 1, 'grain-' || coursemoduleid, timemodified, 0, 0
        FROM mdl_course_modules_completion WHERE id <= 999500"""
    )
    made.sql("ANALYZE")
    return made


def test_million_rows_take_bounded_runs_and_all_turns(large_site: Site) -> None:
    with OddBridge(all_accepted) as odd:
        large_site.configure(odd.url, "key")
        times = []
        while large_site.setting("lastwalk") is None:
            began = time.monotonic()
            large_site.run("scheduled")
            times.append(time.monotonic() - began)
        assert [len(request.body) for request in odd.requests] == [500]
    assert len(times) == 6  # 200,000 rows in a run, and the end of the table
    assert max(times) < 60, times


def test_item_queued_during_its_batch_is_noted_once(site: Site, learner: int) -> None:
    for cmid in (7, 8):
        site.add_activity(cmid, f"grain-{cmid}")
        site.write_completion(cmid, learner)

    def answer(request: Request) -> Answer:
        site.fire(completion_event(7, learner, COMPLETE))
        return all_accepted(request)

    with OddBridge(answer) as odd:
        site.configure(odd.url, "key")
        site.run("scheduled")
    assert site.items() == {
        (7, learner): (ACKNOWLEDGED, None),
        (8, learner): (ACKNOWLEDGED, None),
    }


def test_batch_too_large_for_the_bridge_is_halved(site: Site, learner: int) -> None:
    """1,000 completions whose ID numbers, escaped in JSON, make 1.3 MB; the real bridge takes 1."""
    site.sql("UPDATE mdl_course SET idnumber = ?", "é" * 100)
    site.add_activity(7, "ü" * 100)
    site.sql(
        """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
        INSERT INTO mdl_user (id, username) SELECT ? + i, 'u' || i FROM n""",
        learner,
    )
    site.sql(
        """INSERT INTO mdl_course_modules_completion
        (coursemoduleid, userid, completionstate, timemodified)
        SELECT 7, id, 1, 1767261600 FROM mdl_user WHERE id >= ?""",
        learner,
    )
    site.run("scheduled")
    assert site.mtrace == []
    assert [status for status, _ in site.items().values()] == [ACKNOWLEDGED] * 1000
