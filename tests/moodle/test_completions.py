"""From Moodle's event to the row in the store."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.moodle.odd_bridge import OddBridge, all_accepted
from tests.moodle.service import Service, eventually
from tests.moodle.site import (
    ACKNOWLEDGED,
    ADMIN,
    AUTOMATIC,
    COMPLETE,
    FAILED,
    FAILED_HIDDEN,
    GUEST,
    INCOMPLETE,
    MANUAL,
    MORNING,
    PASSED,
    REFUSED,
    WAITING,
    Site,
    completion_event,
)

SAMPLES = json.loads(Path(__file__).with_name("samples.json").read_text())["events"]


def test_a_completion_becomes_a_row(site: Site, bridge: Service, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner)
    assert site.items() == {(7, learner): (WAITING, None)}
    assert site.run("adhoc") == []
    assert site.items() == {(7, learner): (ACKNOWLEDGED, None)}
    expected = [("grain-1", None, "module-1", "2026-01-01T10:00:00.000Z")]
    eventually(lambda: bridge.rows(learner) == expected)


def test_the_event_names_the_learner_not_the_actor(bare_site: Site, bridge: Service) -> None:
    bare_site.configure(bridge.url, bridge.key)
    bare_site.add_user(3)
    for cmid, tracking in ((2, MANUAL), (4, AUTOMATIC), (5, AUTOMATIC)):
        bare_site.add_activity(cmid, f"grain-{cmid}", completion=tracking, completionpassgrade=1)
    for sample in SAMPLES:
        cmid, state = int(sample["contextinstanceid"]), sample["other"]["completionstate"]
        bare_site.write_completion(cmid, int(sample["relateduserid"]), state)
        bare_site.fire(sample)
    # Actors are 3 (ticked, then unticked by themselves) and 2 (an administrator graded).
    assert set(bare_site.items()) == {(4, 3), (5, 3)}


# Conditions of an activity, and the states that Moodle then calls done.
DONE = [
    ({"completion": MANUAL}, {COMPLETE}),
    ({"completion": AUTOMATIC}, {COMPLETE, PASSED, FAILED}),
    ({"completion": AUTOMATIC, "completiongradeitemnumber": 0}, {COMPLETE, PASSED, FAILED}),
    (
        {"completion": AUTOMATIC, "completiongradeitemnumber": 0, "completionpassgrade": 1},
        {COMPLETE, PASSED},
    ),
    ({"completion": AUTOMATIC, "customrules": 1}, {COMPLETE, PASSED}),
    ({"completion": 0}, set()),
]


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(("conditions", "done"), DONE)
def test_what_moodle_calls_done_is_sent(
    site: Site, learner: int, conditions: dict[str, int], done: set[int], announced: bool
) -> None:
    write = site.complete if announced else site.write_completion
    states = [INCOMPLETE, COMPLETE, PASSED, FAILED, FAILED_HIDDEN]
    for state in states:
        site.add_activity(20 + state, f"grain-{state}", **conditions)
        write(20 + state, learner, state)
    if announced:
        assert site.queued() == (["send"] if done else [])
        assert site.run("adhoc") == []
    else:
        site.run("scheduled")
    assert site.items() == {(20 + state, learner): (ACKNOWLEDGED, None) for state in done}


def test_a_module_that_breaks_holds_up_no_other(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-7", customrules=-1)
    site.add_activity(8, "grain-8")
    site.write_completion(7, learner)
    site.write_completion(8, learner)
    site.run("scheduled")
    assert site.items() == {(8, learner): (ACKNOWLEDGED, None)}
    assert "activity 7" in site.debugging[0]
    site.sql("UPDATE mdl_course_modules SET customrules = 0")
    site.run("scheduled")
    assert set(site.items()) == {(7, learner), (8, learner)}


def test_completion_unticked_before_sending_is_not_sent(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner)
    site.complete(7, learner, INCOMPLETE)
    assert site.items() == {}
    site.run("adhoc")
    assert site.items() == {}


def test_completion_overridden_before_sending_is_not_sent(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1", completion=AUTOMATIC)
    site.complete(7, learner)
    site.complete(7, learner, INCOMPLETE, actor=ADMIN, override=ADMIN)
    assert site.items() == {}


def test_unticking_takes_back_what_is_refused(site: Site, learner: int) -> None:
    site.add_activity(7, "a/b")
    site.complete(7, learner)
    site.run("adhoc")
    assert site.items() == {(7, learner): (REFUSED, "parts")}
    site.complete(7, learner, INCOMPLETE)
    assert site.items() == {}


def test_unticking_takes_back_nothing_that_was_recorded(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner)
    site.run("adhoc")
    site.complete(7, learner, INCOMPLETE)
    assert site.items() == {(7, learner): (ACKNOWLEDGED, None)}


def test_ticking_again_sends_the_later_time(site: Site, bridge: Service, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner)
    site.complete(7, learner, INCOMPLETE)
    site.complete(7, learner, at=MORNING + 60)
    site.run("adhoc")
    eventually(lambda: [row[3] for row in bridge.rows(learner)] == ["2026-01-01T10:01:00.000Z"])


def withdraw_grade(site: Site, learner: int) -> None:
    """Moodle takes the completion back by itself, as a reset of the grades does."""
    site.complete(7, learner, INCOMPLETE, actor=ADMIN)


LOSSES = {
    "reset": lambda site, learner: site.reset_course(),
    "grades reset": withdraw_grade,
    "activity deleted": lambda site, learner: site.sql("DELETE FROM mdl_course_modules"),
    "being deleted": lambda site, learner: site.sql(
        "UPDATE mdl_course_modules SET deletioninprogress = 1"
    ),
    "course deleted": lambda site, learner: site.delete_course(),
    "no ID number": lambda site, learner: site.sql("UPDATE mdl_course_modules SET idnumber = ''"),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_what_waits_outlives_its_completion_in_moodle(
    site: Site, bridge: Service, learner: int, loss: str
) -> None:
    site.add_activity(7, "grain-1", completion=AUTOMATIC)
    site.complete(7, learner)
    LOSSES[loss](site, learner)
    site.cron()
    site.run("scheduled")
    expected = [("grain-1", None, "module-1", "2026-01-01T10:00:00.000Z")]
    eventually(lambda: bridge.rows(learner) == expected)


def test_completion_found_by_the_walk_survives_its_removal(
    site: Site, bridge: Service, learner: int
) -> None:
    site.add_activity(7, "grain-1")
    site.write_completion(7, learner)
    bridge.stop()
    site.run("scheduled")
    site.delete_course()
    bridge.start()
    site.run("scheduled")
    eventually(lambda: [row[0] for row in bridge.rows(learner)] == ["grain-1"])


def test_waiting_completion_is_sent_as_it_was(site: Site, bridge: Service, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner)
    site.reset_course()
    site.sql("UPDATE mdl_course SET idnumber = 'module-2'")
    site.complete(7, learner, at=MORNING + 3600)
    site.run("adhoc")
    expected = [("grain-1", None, "module-1", "2026-01-01T10:00:00.000Z")]
    eventually(lambda: bridge.rows(learner) == expected)


def test_completions_of_courses_no_longer_chosen_are_forgotten(
    site: Site, bridge: Service, learner: int
) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner)
    site.configure(bridge.url, bridge.key, courses="C99")
    site.run("adhoc")
    assert site.items() == {}


def test_many_events_queue_one_task(site: Site, learner: int) -> None:
    for cmid in range(20, 25):
        site.add_activity(cmid, f"grain-{cmid}")
        site.complete(cmid, learner)
    site.fire(completion_event(20, learner, COMPLETE))
    assert site.queued() == ["send"]
    site.run("adhoc")
    assert [status for status, _ in site.items().values()] == [ACKNOWLEDGED] * 5
    assert site.queued() == []


def test_a_completion_that_is_known_queues_nothing(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner)
    site.run("adhoc")
    site.complete(7, learner)
    assert site.queued() == []


def test_reconciliation_catches_up_when_the_observers_queue_fails(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.sql("ALTER TABLE mdl_local_progressbridge_item RENAME TO away")
    site.complete(7, learner)  # would raise
    assert "could not queue" in site.debugging[0]
    site.sql("ALTER TABLE away RENAME TO mdl_local_progressbridge_item")
    site.run("scheduled")
    assert site.items() == {(7, learner): (ACKNOWLEDGED, None)}


def test_a_site_without_an_address_queues_nothing(bare_site: Site) -> None:
    bare_site.add_activity(7, "grain-1")
    bare_site.add_user(9)
    bare_site.complete(7, 9)
    bare_site.delete_user(9)
    assert bare_site.items() == {}
    assert bare_site.queued() == []
    bare_site.run("scheduled")
    assert bare_site.mtrace == ["The address of the bridge and the key are not set yet."]


def test_guests_and_deleted_users_are_never_sent(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, GUEST)
    site.complete(7, learner)
    site.delete_user(learner, event=False)
    with OddBridge(all_accepted) as odd:
        site.configure(odd.url, "key")
        site.cron()
        assert odd.requests == []
    assert site.items() == {}


def test_activities_without_id_number_are_ignored_and_counted(site: Site, learner: int) -> None:
    site.add_activity(7, None)
    site.add_activity(8, "")
    site.add_activity(9, "grain-1")
    for cmid in (7, 8, 9):
        site.complete(cmid, learner)
    site.cron()
    assert site.items() == {(9, learner): (ACKNOWLEDGED, None)}
    facts = {fact["name"]: fact["value"] for fact in site.run("status")["facts"]}
    assert facts["Ignored activities"] == 2


def test_an_activity_without_completion_tracking_is_not_counted(site: Site) -> None:
    site.add_activity(7, None)
    site.sql("UPDATE mdl_course_modules SET completion = 0")
    facts = {fact["name"]: fact["value"] for fact in site.run("status")["facts"]}
    assert facts["Ignored activities"] == 0


def test_activity_being_deleted_is_not_walked(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1", deletioninprogress=1)
    site.write_completion(7, learner)
    site.cron()
    assert site.items() == {}


def test_trailing_slash_leaves_the_address_the_same(site: Site, bridge: Service) -> None:
    site.configure(f" {bridge.url}/ ", f" {bridge.key}\n")
    assert site.run("connection")["passed"]


def test_later_id_number_sends_earlier_completions(
    site: Site, bridge: Service, learner: int
) -> None:
    site.add_activity(7, None)
    site.complete(7, learner)
    site.cron()
    site.sql("UPDATE mdl_course_modules SET idnumber = 'late' WHERE id = 7")
    site.run("scheduled")
    eventually(lambda: [row[0] for row in bridge.rows(learner)] == ["late"])


def test_only_chosen_categories_and_courses_are_sent(
    site: Site, bridge: Service, learner: int
) -> None:
    site.sql("INSERT INTO mdl_course_categories VALUES (3, 'Other', '/3'), (12, 'Twelve', '/12')")
    for course, category in ((20, 2), (30, 3), (31, 3), (40, 12)):
        site.add_course(course, category=category)
        site.add_activity(course, f"grain-{course}", course=course)
        site.complete(course, learner)
    site.configure(bridge.url, bridge.key, categories="1", courses="C31\n\nC99\n")
    site.cron()
    assert set(site.items()) == {(20, learner), (31, learner)}
    facts = {fact["name"]: fact["value"] for fact in site.run("status")["facts"]}
    assert facts["Chosen courses that do not exist"] == "C99"


def test_chosen_courses_that_are_gone_mean_none(site: Site, bridge: Service, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.configure(bridge.url, bridge.key, courses="C99")
    site.complete(7, learner)
    site.cron()
    assert site.items() == {}


@pytest.mark.parametrize(
    ("idnumber", "course", "ids"),
    [
        ("grain", "", {"grain_id": "grain"}),
        ("grain", "course", {"grain_id": "grain", "module_id": "course"}),
        (" grain ", " ", {"grain_id": "grain"}),
        (
            "m/s/g",
            "course",
            {"module_id": "m", "sequence_id": "s", "grain_id": "g"},
        ),
        (
            "m / é s / g",
            "",
            {"module_id": "m", "sequence_id": "é s", "grain_id": "g"},
        ),
    ],
)
def test_both_forms_of_an_id_number(
    bare_site: Site, idnumber: str, course: str, ids: dict[str, str]
) -> None:
    assert bare_site.run("ids", [idnumber, course]) == ids


@pytest.mark.parametrize(
    ("idnumber", "words"),
    [
        ("m/g", "neither one part nor three"),
        ("a/b/c/d", "neither one part nor three"),
        ("m//g", "empty part"),
        ("/", "empty part"),
        ("grain/", "empty part"),
    ],
)
def test_id_number_of_neither_form_is_refused(bare_site: Site, idnumber: str, words: str) -> None:
    assert words in bare_site.run("ids", [idnumber, ""])["refused"]


def test_module_and_sequence_come_with_the_grain(site: Site, bridge: Service, learner: int) -> None:
    site.add_activity(7, "module-2/sequence-3/grain-4")
    site.complete(7, learner)
    site.cron()
    expected = [("grain-4", "sequence-3", "module-2", "2026-01-01T10:00:00.000Z")]
    eventually(lambda: bridge.rows(learner) == expected)


def test_wrong_id_number_is_refused_and_delays_nobody(
    site: Site, bridge: Service, learner: int
) -> None:
    site.add_activity(7, "module/grain")
    site.add_activity(8, "grain-8")
    site.complete(7, learner)
    site.complete(8, learner)
    site.cron()
    assert site.items() == {
        (7, learner): (REFUSED, "parts"),
        (8, learner): (ACKNOWLEDGED, None),
    }
    site.sql("UPDATE mdl_course_modules SET idnumber = 'mended' WHERE id = 7")
    site.run("scheduled")
    site.run("scheduled")
    assert site.items()[7, learner] == (ACKNOWLEDGED, None)
    eventually(lambda: [row[0] for row in bridge.rows(learner)] == ["grain-8", "mended"])


def test_the_last_success_is_noted(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner)
    site.set("local_progressbridge", "lastsuccess", 1)
    site.run("adhoc")
    assert time.time() - int(site.setting("lastsuccess") or 0) < 60


def test_refused_completion_is_kept_with_its_rule(
    site: Site, bridge: Service, learner: int
) -> None:
    site.add_activity(7, "good")
    site.add_activity(8, "too early")
    site.complete(7, learner)
    site.complete(8, learner, at=86400)
    site.cron()
    items = site.items()
    assert items[7, learner] == (ACKNOWLEDGED, None)
    assert items[8, learner] == (REFUSED, "before_2000")
    [(reason,)] = site.sql("SELECT reason FROM mdl_local_progressbridge_item WHERE cmid = 8")
    assert reason.startswith("completed_at: before 2000")
