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
    COMPLETE,
    FAILED,
    FAILED_HIDDEN,
    GUEST,
    INCOMPLETE,
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


def test_the_event_as_moodle_fires_it_names_the_learner_not_the_actor(
    bare_site: Site, bridge: Service
) -> None:
    bare_site.configure(bridge.url, bridge.key)
    for sample in SAMPLES:
        bare_site.fire(sample)
    # Actors are 3 (ticked by themselves) and 2 (an administrator graded); 0, 3 are no completions.
    assert set(bare_site.items()) == {(2, 3), (4, 3), (5, 3)}


@pytest.mark.parametrize("state", [INCOMPLETE, FAILED, FAILED_HIDDEN])
def test_other_states_than_complete_and_passed_are_not_even_queued(
    site: Site, learner: int, state: int
) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner, state)
    assert site.items() == {}
    assert site.queued() == []
    site.run("scheduled")
    assert site.items() == {}


@pytest.mark.parametrize("state", [COMPLETE, PASSED])
def test_complete_and_passed_are_completions(site: Site, learner: int, state: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner, state)
    site.run("adhoc")
    assert site.items() == {(7, learner): (ACKNOWLEDGED, None)}


def test_what_is_unticked_before_it_was_sent_is_not_sent(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner)
    site.complete(7, learner, INCOMPLETE)
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


def test_an_observer_whose_queue_fails_breaks_nothing_and_the_reconciliation_catches_up(
    site: Site, learner: int
) -> None:
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


def test_activities_without_an_id_number_are_ignored_and_counted(site: Site, learner: int) -> None:
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


def test_an_activity_that_is_being_deleted_is_not_sent(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner)
    site.sql("UPDATE mdl_course_modules SET deletioninprogress = 1")
    site.cron()
    assert site.items() == {}


def test_an_address_with_a_slash_at_its_end_is_the_same(site: Site, bridge: Service) -> None:
    site.configure(f" {bridge.url}/ ", f" {bridge.key}\n")
    assert site.run("connection")["passed"]


def test_an_id_number_given_later_sends_what_was_completed_before(
    site: Site, bridge: Service, learner: int
) -> None:
    site.add_activity(7, None)
    site.complete(7, learner)
    site.cron()
    site.sql("UPDATE mdl_course_modules SET idnumber = 'late' WHERE id = 7")
    site.run("scheduled")
    eventually(lambda: [row[0] for row in bridge.rows(learner)] == ["late"])


def test_chosen_categories_with_their_subcategories_and_chosen_courses_are_sent_alone(
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


def test_chosen_courses_that_do_not_exist_do_not_mean_all(
    site: Site, bridge: Service, learner: int
) -> None:
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
def test_an_id_number_of_neither_form_is_refused_not_guessed(
    bare_site: Site, idnumber: str, words: str
) -> None:
    assert words in bare_site.run("ids", [idnumber, ""])["refused"]


def test_module_and_sequence_come_with_the_grain(site: Site, bridge: Service, learner: int) -> None:
    site.add_activity(7, "module-2/sequence-3/grain-4")
    site.complete(7, learner)
    site.cron()
    expected = [("grain-4", "sequence-3", "module-2", "2026-01-01T10:00:00.000Z")]
    eventually(lambda: bridge.rows(learner) == expected)


def test_a_wrong_id_number_is_refused_until_it_is_mended_and_holds_up_nobody(
    site: Site, bridge: Service, learner: int
) -> None:
    site.add_activity(7, "module/grain")
    site.add_activity(8, "grain-8")
    site.complete(7, learner)
    site.complete(8, learner)
    site.cron()
    assert site.items() == {
        (7, learner): (REFUSED, "own:parts"),
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


def test_what_the_bridge_refuses_is_kept_with_its_rule(
    site: Site, bridge: Service, learner: int
) -> None:
    site.add_activity(7, "good")
    site.add_activity(8, "too early")
    site.complete(7, learner)
    site.complete(8, learner, at=86400)
    site.cron()
    items = site.items()
    assert items[7, learner] == (ACKNOWLEDGED, None)
    status, reason = items[8, learner]
    assert status == REFUSED
    assert reason is not None
    assert reason.startswith("completed_at: ")
    assert "2000" in reason
