"""Deleted users are erased from the bridge, whatever fails on the way."""

from __future__ import annotations

from tests.moodle.odd_bridge import Answer, OddBridge, Request, all_accepted
from tests.moodle.service import Service, eventually
from tests.moodle.site import ACKNOWLEDGED, MORNING, Site


def recorded(site: Site, bridge: Service, learner: int) -> None:
    """A learner with a row in the store."""
    site.add_activity(7, "grain-1")
    site.complete(7, learner)
    site.run("adhoc")
    eventually(lambda: len(bridge.rows(learner)) == 1)


def erasures(site: Site) -> list[tuple[int, bool]]:
    """Users whose erasure is noted, and whether it is done."""
    found = site.sql("SELECT userid, timeerased FROM mdl_local_progressbridge_erase")
    return [(user, erased > 0) for user, erased in found]


def erase_answers(request: Request) -> Answer:
    """Accepts completions and erasures."""
    return Answer(204, "") if request.method == "DELETE" else all_accepted(request)


def test_a_deleted_user_is_erased(site: Site, bridge: Service, learner: int) -> None:
    recorded(site, bridge, learner)
    known = bridge.learners()
    site.delete_user(learner)
    assert site.queued() == ["erase"]
    assert site.run("adhoc") == []
    assert bridge.rows(learner) == []
    assert bridge.learners() == known - 1
    assert site.items() == {}
    assert erasures(site) == []


def test_an_erasure_waits_for_the_bridge(site: Site, bridge: Service, learner: int) -> None:
    recorded(site, bridge, learner)
    bridge.stop()
    site.delete_user(learner)
    for _ in range(12):
        site.run("adhoc")
    assert site.queued() == []  # given up
    assert erasures(site) == [(learner, False)]
    bridge.start()
    site.run("scheduled")
    assert bridge.rows(learner) == []
    assert erasures(site) == []


def test_deleted_user_without_an_event_is_erased(site: Site, bridge: Service, learner: int) -> None:
    recorded(site, bridge, learner)
    site.delete_user(learner, event=False)
    site.run("scheduled")
    assert bridge.rows(learner) == []
    assert site.items() == {}


def test_observer_breaks_nothing_without_its_table(
    site: Site, bridge: Service, learner: int
) -> None:
    recorded(site, bridge, learner)
    site.sql("ALTER TABLE mdl_local_progressbridge_erase RENAME TO away")
    site.delete_user(learner)  # would raise
    site.sql("ALTER TABLE away RENAME TO mdl_local_progressbridge_erase")
    site.run("scheduled")
    assert bridge.rows(learner) == []


def test_key_without_erase_right_delays_no_completion(
    site: Site, bridge: Service, learner: int
) -> None:
    key = bridge.new_key(rights=["write"])
    site.configure(bridge.url, key)
    eventually(lambda: "erase" in site.run("connection")["findings"][0])
    site.add_user(learner + 1)
    site.add_activity(7, "grain-1")
    site.delete_user(learner)
    site.write_completion(7, learner + 1)
    site.run("scheduled")
    assert site.items() == {(7, learner + 1): (ACKNOWLEDGED, None)}
    assert erasures(site) == [(learner, False)]
    assert "the rights write and erase" in site.run("status")["failure"]


def test_erased_learners_only_new_completions_are_sent(
    site: Site, bridge: Service, learner: int
) -> None:
    recorded(site, bridge, learner)
    site.run("privacy", ["delete_user", learner])
    assert site.run("adhoc") == []
    assert bridge.rows(learner) == []
    assert erasures(site) == [(learner, True)]
    site.run("scheduled")
    assert site.items() == {}
    site.add_activity(8, "grain-2")
    site.sql("UPDATE mdl_local_progressbridge_erase SET timecreated = ?", MORNING + 60)
    site.complete(8, learner, at=MORNING + 120)
    site.cron()
    assert set(site.items()) == {(8, learner)}
    eventually(lambda: [row[0] for row in bridge.rows(learner)] == ["grain-2"])


def test_learner_whose_erasure_waits_is_not_sent(site: Site, bridge: Service, learner: int) -> None:
    recorded(site, bridge, learner)
    site.run("privacy", ["delete_user", learner])
    with OddBridge(lambda request: Answer(503)) as odd:
        site.configure(odd.url, "key")
        site.complete(7, learner, at=MORNING + 10**9)
        site.cron()
        assert {request.method for request in odd.requests} == {"DELETE"}


def test_completion_sent_during_an_erasure_is_erased_again(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.write_completion(7, learner)
    with OddBridge(erase_answers) as odd:
        site.configure(odd.url, "key")
        site.run("privacy", ["delete_user", learner])
        site.run("adhoc")
        # A batch that was under way is acknowledged after the erasure.
        site.sql(
            """INSERT INTO mdl_local_progressbridge_item
            (cmid, userid, status, idnumber, timecompleted, timecreated, timemodified)
            VALUES (7, ?, 1, 'grain-1', ?, 0, 0)""",
            *(learner, MORNING),
        )
        site.run("scheduled")
        assert [request.method for request in odd.requests] == ["DELETE", "DELETE"]
    assert site.items() == {}
    assert erasures(site) == [(learner, True)]
