"""The bridge on a fresh base and on a migrated one: no difference to tell."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge import Bridge, Settings
from tests.integration.sql.base import Base

LEARNERS = [
    ("moodle", 11),
    ("moodle", 3_000_000_000),
    ("funmooc", "11"),
    ("direct", uuid.UUID(int=11)),
]
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


def answers(base: Base) -> list[Any]:
    """Return what the bridge says of the same completions, and of what it has recorded."""
    said: list[Any] = []
    with Bridge.from_settings(Settings.from_mapping({"store": {"url": base.url}})) as bridge:
        for origin, external_id in LEARNERS:
            for hours in (0, 1, -1):
                at = NOON + timedelta(hours=hours)
                said.append(bridge.record(origin, external_id, "grain-1", completed_at=at))
            said.append(bridge.record(origin, external_id, "grain-2", completed_at=NOON))
            said.append(bridge.progress(origin, external_id))
            said.append(bridge.learner(origin, external_id).identity)
            exported = bridge.export(origin, external_id)
            assert exported is not None
            assert exported["learner"].pop("date_creation")
            said.append(exported)
        said.append(bridge.erase("funmooc", "11"))
        said += [bridge.progress(*learner) for learner in LEARNERS]
    return said


def test_fresh_and_migrated_bases_answer_alike(fresh_base: Base, old_base: Base) -> None:
    old_base.do("DELETE FROM progress", "UPDATE apprenants SET date_creation = now()")
    assert old_base.migrate().returncode == 0
    expected = answers(fresh_base)
    assert answers(old_base) == expected
    assert old_base.rows("SELECT id FROM apprenants WHERE moodle_user_id = 11") == [(1,)]


def test_check_finds_a_migrated_base_well(migrated_base: Base) -> None:
    assert migrated_base.script("progress-unique.sql").returncode == 0
    with Bridge.from_settings(
        Settings.from_mapping({"store": {"url": migrated_base.url}})
    ) as bridge:
        findings = bridge.check()
    assert [finding.message for finding in findings if not finding.ok] == []
