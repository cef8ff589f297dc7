"""What learners complete in a real Moodle arrives, whatever happens in between."""

from __future__ import annotations

from typing import Any

import pytest

from tests.moodle.service import Service, eventually
from tests.real.moodle.site import Moodle

GRAIN: dict[str, Any] = {"grain": {"idnumber": "grain-1"}}


def grains(bridge: Service, learner: int) -> list[str]:
    """Return the grains that the bridge recorded."""
    return [row[0] for row in bridge.rows(learner)]


def test_a_tick_becomes_a_row(moodle: Moodle, bridge: Service) -> None:
    seeded = moodle.act("seed", "module-1", GRAIN)
    moodle.act("complete", seeded["cms"]["grain"], seeded["learner"])
    assert moodle.act("waiting") == 1
    moodle.run_adhoc()
    eventually(lambda: len(bridge.rows(seeded["learner"])) == 1)
    [(grain, sequence, module, _)] = bridge.rows(seeded["learner"])
    assert (grain, sequence, module) == ("grain-1", None, "module-1")
    assert moodle.act("waiting") == 0


def test_all_forms_of_an_id_number_arrive(moodle: Moodle, bridge: Service) -> None:
    activities = {
        "three": {"idnumber": "module-A/séquence 2/grain 3 é"},
        "long": {"idnumber": "é" * 100},
        "two": {"idnumber": "module/grain"},
        "none": {"idnumber": ""},
    }
    seeded = moodle.act("seed", "", activities)
    for cmid in seeded["cms"].values():
        moodle.act("complete", cmid, seeded["learner"])
    moodle.run_adhoc()
    eventually(lambda: len(bridge.rows(seeded["learner"])) == 2)
    assert grains(bridge, seeded["learner"]) == ["grain 3 é", "é" * 100]


def test_what_no_event_announced_is_found(moodle: Moodle, bridge: Service) -> None:
    seeded = moodle.act("seed", "", GRAIN)
    moodle.act("write_completion", seeded["cms"]["grain"], seeded["learner"])
    moodle.run_scheduled()
    eventually(lambda: grains(bridge, seeded["learner"]) == ["grain-1"])


def test_an_unticked_completion_is_not_sent(moodle: Moodle, bridge: Service) -> None:
    seeded = moodle.act("seed", "", {**GRAIN, "other": {"idnumber": "grain-2"}})
    moodle.act("complete", seeded["cms"]["grain"], seeded["learner"])
    moodle.act("complete", seeded["cms"]["grain"], seeded["learner"], 0)
    moodle.act("complete", seeded["cms"]["other"], seeded["learner"])
    moodle.run_adhoc()
    eventually(lambda: grains(bridge, seeded["learner"]) == ["grain-2"])


@pytest.mark.parametrize("lost", ["reset_course", "delete_activity", "delete_course"])
def test_nothing_lost_between_event_and_sending(moodle: Moodle, bridge: Service, lost: str) -> None:
    seeded = moodle.act("seed", f"module-{lost}", GRAIN)
    cmid = seeded["cms"]["grain"]
    moodle.act("complete", cmid, seeded["learner"])
    moodle.act(lost, cmid if lost == "delete_activity" else seeded["course"])
    moodle.run_adhoc()
    eventually(lambda: grains(bridge, seeded["learner"]) == ["grain-1"])
    assert bridge.rows(seeded["learner"])[0][2] == f"module-{lost}"


def graded(passing: int) -> dict[str, Any]:
    """Make an assignment that a grade completes, or a passing one alone."""
    return {
        "module": "assign",
        "idnumber": "grain-1",
        "completion": 2,
        "completionusegrade": 1,
        "completionpassgrade": passing,
        "gradepass": 50,
        "grade": 100,
    }


def test_what_a_grade_reset_takes_is_sent(moodle: Moodle, bridge: Service) -> None:
    """Moodle fires the event of an unticking for it."""
    seeded = moodle.act("seed", "", {"graded": graded(0)})
    moodle.act("grade", seeded["cms"]["graded"], seeded["learner"], 80)
    moodle.act("reset_grades", seeded["course"])
    moodle.run_adhoc()
    eventually(lambda: grains(bridge, seeded["learner"]) == ["grain-1"])


@pytest.mark.parametrize("how", ["grade", "import_grade"])
@pytest.mark.parametrize(("passing", "rows"), [(0, ["grain-1"]), (1, [])])
def test_a_failing_grade_counts_where_moodle_says_done(
    moodle: Moodle, bridge: Service, passing: int, rows: list[str], how: str
) -> None:
    activities = {"graded": graded(passing), "last": {"idnumber": "last"}}
    seeded = moodle.act("seed", "", activities)
    moodle.act(how, seeded["cms"]["graded"], seeded["learner"], 40)
    moodle.act("complete", seeded["cms"]["last"], seeded["learner"])
    moodle.run_scheduled()
    eventually(lambda: grains(bridge, seeded["learner"]) == [*rows, "last"])


def test_an_outage_loses_nothing(moodle: Moodle, bridge: Service) -> None:
    seeded = moodle.act("seed", "", GRAIN)
    bridge.stop()
    moodle.act("complete", seeded["cms"]["grain"], seeded["learner"])
    said = moodle.run_scheduled()
    assert "Nothing accepts connections" in said
    assert "&" not in said
    assert moodle.act("check")[0] == "warning"
    bridge.start()
    moodle.run_scheduled()
    eventually(lambda: grains(bridge, seeded["learner"]) == ["grain-1"])
    assert moodle.act("check")[0] != "error"


def test_a_deleted_user_is_erased(moodle: Moodle, bridge: Service) -> None:
    seeded = moodle.act("seed", "", GRAIN)
    moodle.act("complete", seeded["cms"]["grain"], seeded["learner"])
    moodle.run_adhoc()
    eventually(lambda: grains(bridge, seeded["learner"]) == ["grain-1"])
    moodle.act("delete_user", seeded["learner"])
    moodle.run_adhoc()
    eventually(lambda: grains(bridge, seeded["learner"]) == [])
    assert moodle.act("erasures") == 0
