"""What Moodle's privacy tools ask of the plugin."""

from __future__ import annotations

import re

import pytest

from tests.moodle.service import Service, eventually
from tests.moodle.site import Site


@pytest.fixture
def recorded(site: Site, bridge: Service, learner: int) -> Site:
    """A site with a learner who has a row in the store."""
    site.add_activity(7, "grain-1")
    site.complete(7, learner)
    site.run("adhoc")
    eventually(lambda: len(bridge.rows(learner)) == 1)
    return site


def test_every_personal_column_is_declared_and_described(bare_site: Site) -> None:
    declared = {item["name"]: item for item in bare_site.run("privacy", ["metadata", 0])}
    assert set(declared) == {
        "progressbridge",
        "local_progressbridge_item",
        "local_progressbridge_erase",
    }
    for item in declared.values():
        for words in (item["summary"], *item["fields"].values()):
            assert bare_site.run("string", words)
    for table in ("local_progressbridge_item", "local_progressbridge_erase"):
        columns = {row[1] for row in bare_site.sql(f"PRAGMA table_info(mdl_{table})")}
        assert set(declared[table]["fields"]) == columns - {"id"}


def test_the_data_is_in_the_users_own_context(recorded: Site, learner: int) -> None:
    [(context,)] = recorded.sql("SELECT id FROM mdl_context WHERE instanceid = ?", learner)
    assert recorded.run("privacy", ["contexts", learner]) == [context]
    assert recorded.run("privacy", ["users", learner]) == [learner]
    assert recorded.run("privacy", ["contexts", learner + 1]) == []
    assert recorded.run("privacy", ["users", learner + 1]) == []


def test_export_holds_all_known_of_a_user(recorded: Site, learner: int) -> None:
    [exported] = recorded.run("privacy", ["export", learner])
    [completion] = exported["completions"]
    assert completion["activity"] == "grain-1"
    assert completion["status"] == "acknowledged"
    assert re.match(r"2026-01-01 10:00", completion["timecompleted"])
    recorded.run("privacy", ["delete_user", learner])
    [exported] = recorded.run("privacy", ["export", learner])
    assert exported["completions"] == []
    assert exported["erasure"]["timeerased"] is None


@pytest.mark.parametrize("what", ["delete_user", "delete_users", "delete_context"])
def test_deletion_is_immediate_here_and_queued_for_bridge(
    recorded: Site, bridge: Service, learner: int, what: str
) -> None:
    recorded.run("privacy", [what, learner])
    assert recorded.items() == {}
    assert recorded.queued() == ["erase"]
    recorded.run("adhoc")
    assert bridge.rows(learner) == []
    erased = recorded.sql("SELECT userid FROM mdl_local_progressbridge_erase")
    assert erased == [(learner,)]


def test_an_expired_course_erases_nobody(recorded: Site, learner: int) -> None:
    recorded.run("privacy", ["delete_course", learner])
    assert set(recorded.items()) == {(7, learner)}
    assert recorded.queued() == []
