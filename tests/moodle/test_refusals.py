"""What the bridge refuses is told in words, with a remedy; what time heals needs none."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.moodle.odd_bridge import Answer, OddBridge, Request, all_accepted
from tests.moodle.service import Service, eventually
from tests.moodle.site import ACKNOWLEDGED, MORNING, REFUSED, WAITING, PhpError, Site

SESSKEY = "the-sesskey"
AHEAD = {
    "status": "refused",
    "field": "completed_at",
    "rule": "more than 5 minutes ahead",
    "value": "2026-01-01T10:00:00+00:00",
    "code": "too_far_ahead",
    "retry_after": 12,
}


def press(site: Site, button: str, cmid: int) -> None:
    """Press a button of the status page, and run what it queued."""
    with pytest.raises(PhpError, match="redirect"):
        site.page("status.php", **{button: str(cmid)}, sesskey=SESSKEY)
    site.run("adhoc")


def completed_at(bridge: Service, learner: int) -> list[datetime]:
    """When the store says that the learner completed their grains."""
    return [datetime.fromisoformat(row[3]) for row in bridge.rows(learner)]


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (0, "before_2000"),
        (-1, "before_2000"),
        (946684799, "before_2000"),
        (MORNING * 1000, "not_an_instant"),
    ],
)
def test_impossible_time_becomes_today_when_asked(
    site: Site, bridge: Service, learner: int, at: int, code: str
) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner, at=at)
    site.cron()
    assert site.items() == {(7, learner): (REFUSED, code)}
    [refused] = site.run("status")["refused"]
    assert refused["hasnotime"]
    assert "record these as of today" in refused["reason"]
    press(site, "asoftoday", 7)
    assert site.items() == {(7, learner): (ACKNOWLEDGED, None)}
    eventually(lambda: len(bridge.rows(learner)) == 1)
    [recorded] = completed_at(bridge, learner)
    assert datetime.now(UTC) - recorded < timedelta(minutes=5)


def test_completion_recorded_as_today_is_not_resent(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner, at=0)
    site.cron()
    press(site, "asoftoday", 7)
    with OddBridge(all_accepted) as odd:
        site.configure(odd.url, "key")
        site.run("scheduled")
        assert odd.requests == []
        site.write_completion(7, learner)  # the true time, found later
        site.run("scheduled")
        [request] = odd.requests
    assert request.body[0]["completed_at"] == "2026-01-01T10:00:00Z"


def test_recording_as_of_today_changes_no_other_refusal(site: Site, learner: int) -> None:
    site.add_activity(7, "a/b")
    site.complete(7, learner)
    site.cron()
    press(site, "asoftoday", 7)
    assert site.items() == {(7, learner): (REFUSED, "parts")}
    assert site.sql("SELECT timeasof FROM mdl_local_progressbridge_item") == [(0,)]


@pytest.mark.parametrize("announced", [True, False])
def test_a_time_that_was_put_right_is_noticed(
    site: Site, bridge: Service, learner: int, announced: bool
) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner, at=0)
    site.cron()
    (site.complete if announced else site.write_completion)(7, learner)
    site.cron()
    assert site.items() == {(7, learner): (ACKNOWLEDGED, None)}
    eventually(lambda: completed_at(bridge, learner) == [datetime(2026, 1, 1, 10, tzinfo=UTC)])


def test_a_time_ahead_is_sent_again_by_itself(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner)
    answers = iter([Answer(422, {"accepted": 0, "refused": 1, "results": [AHEAD]})])

    def answer(request: Request) -> Answer:
        return next(answers, None) or all_accepted(request)

    with OddBridge(answer) as odd:
        site.configure(odd.url, "key")
        site.run("adhoc")
        assert site.items() == {(7, learner): (WAITING, None)}
        [(due,)] = site.sql("SELECT timenext FROM mdl_local_progressbridge_item")
        assert 0 < due - time.time() <= 12
        facts = {fact["name"]: fact["value"] for fact in site.run("status")["facts"]}
        assert facts["Of these, ahead of the bridge's clock: sent when their time comes"] == 1
        site.reset_course()
        site.run("scheduled")
        assert len(odd.requests) == 1
        site.sql("UPDATE mdl_local_progressbridge_item SET timenext = 1")  # the time has come
        site.run("scheduled")
        assert [request.body for request in odd.requests[1:]] == [odd.requests[0].body]
    assert site.items() == {(7, learner): (ACKNOWLEDGED, None)}


def test_real_bridge_says_when_a_time_ahead_heals(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner, at=int(time.time()) + 3600)
    site.run("adhoc")
    assert site.items() == {(7, learner): (WAITING, None)}
    [(due,)] = site.sql("SELECT timenext FROM mdl_local_progressbridge_item")
    assert 3200 < due - time.time() <= 3301


@pytest.mark.parametrize(("ahead", "status"), [(3600, WAITING), (10 * 365 * 86400, REFUSED)])
def test_corrected_time_ahead_is_noticed(
    site: Site, bridge: Service, learner: int, ahead: int, status: int
) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner, at=int(time.time()) + ahead)
    site.cron()
    assert site.items()[7, learner][0] == status
    site.write_completion(7, learner)
    site.run("scheduled")
    assert site.items() == {(7, learner): (ACKNOWLEDGED, None)}
    eventually(lambda: completed_at(bridge, learner) == [datetime(2026, 1, 1, 10, tzinfo=UTC)])


def test_a_time_days_ahead_has_a_remedy(site: Site, bridge: Service, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner, at=int(time.time()) + 3 * 86400)
    site.cron()
    assert site.items() == {(7, learner): (REFUSED, "too_far_ahead")}
    [refused] = site.run("status")["refused"]
    assert refused["hasnotime"]
    assert "record these as of today" in refused["reason"]
    press(site, "asoftoday", 7)
    assert site.items() == {(7, learner): (ACKNOWLEDGED, None)}
    eventually(lambda: len(bridge.rows(learner)) == 1)
    assert completed_at(bridge, learner)[0] <= datetime.now(UTC)


def test_time_days_ahead_is_resent_by_itself(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner, at=int(time.time()) + 3 * 86400)
    site.cron()
    with OddBridge(all_accepted) as odd:
        site.configure(odd.url, "key")
        site.run("scheduled")
        assert odd.requests == []
        site.sql("UPDATE mdl_local_progressbridge_item SET timenext = 1")  # the time has come
        site.run("scheduled")
        assert len(odd.requests) == 1
    assert site.items() == {(7, learner): (ACKNOWLEDGED, None)}


@pytest.mark.parametrize("gone", ["completion", "activity", "course"])
def test_refused_completions_that_are_gone_are_told_apart(
    site: Site, learner: int, gone: str
) -> None:
    site.add_user(learner + 1)
    site.add_activity(7, "a/b")
    site.complete(7, learner)
    site.complete(7, learner + 1)
    site.cron()
    where = "WHERE userid = ?"
    site.sql(f"DELETE FROM mdl_course_modules_completion {where}", learner)
    if gone != "completion":
        site.sql("DELETE FROM mdl_course_modules")
    if gone == "course":
        site.sql("DELETE FROM mdl_course")
    site.run("scheduled")
    shown = [(group["gone"], group["learners"]) for group in site.run("status")["refused"]]
    assert sorted(shown) == ([(False, "1"), (True, "1")] if gone == "completion" else [(True, "2")])
    press(site, "forget", 7)
    left = {(7, learner + 1): (REFUSED, "parts")}
    assert site.items() == (left if gone == "completion" else {})


def test_forgetting_takes_nothing_that_can_be_mended(site: Site, learner: int) -> None:
    site.add_activity(7, "a/b")
    site.complete(7, learner)
    site.cron()
    press(site, "forget", 7)
    assert site.items() == {(7, learner): (REFUSED, "parts")}


@pytest.mark.parametrize(
    ("activity", "course", "code", "mended"),
    [
        ("a/b", "m", "parts", "UPDATE mdl_course_modules SET idnumber = 'grain'"),
        ("grain", "m\u200b", "not_printable", "UPDATE mdl_course SET idnumber = 'm'"),
    ],
)
def test_new_id_number_is_noticed_without_a_completion(
    site: Site, bridge: Service, learner: int, activity: str, course: str, code: str, mended: str
) -> None:
    site.sql("UPDATE mdl_course SET idnumber = ?", course)
    site.add_activity(7, activity)
    site.complete(7, learner)
    site.cron()
    assert site.items() == {(7, learner): (REFUSED, code)}
    site.reset_course()
    site.sql(mended)
    site.run("scheduled")
    assert site.items() == {(7, learner): (ACKNOWLEDGED, None)}
    eventually(lambda: [row[:3] for row in bridge.rows(learner)] == [("grain", None, "m")])


def test_an_invisible_character_is_said_in_words(site: Site, learner: int) -> None:
    site.add_activity(7, "grain\u200b1")
    site.complete(7, learner)
    site.cron()
    site.language = "fr"
    [refused] = site.run("status")["refused"]
    assert "contient un caractère qui ne s’imprime pas" in refused["reason"]


def test_one_reason_is_one_group_whatever_the_values(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    for user in range(learner, learner + 3):
        if user != learner:
            site.add_user(user)
        site.complete(7, user, at=user % 1000)
    site.cron()
    [refused] = site.run("status")["refused"]
    assert refused["learners"] == "3"
