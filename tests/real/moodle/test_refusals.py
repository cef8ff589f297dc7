"""What a real bridge refuses of a real Moodle, and how it is mended."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.moodle.service import Service, eventually
from tests.real.moodle.site import Administrator, Moodle

STATUS = "/local/progressbridge/status.php"


def completed(moodle: Moodle, idnumber: str) -> tuple[dict[str, Any], int]:
    """Return what was seeded, and the activity that its learner has completed."""
    seeded = moodle.act("seed", "", {"grain": {"idnumber": idnumber}})
    cmid = seeded["cms"]["grain"]
    moodle.act("complete", cmid, seeded["learner"])
    return seeded, cmid


def test_a_completion_without_time_is_todays(
    moodle: Moodle, bridge: Service, administrator: Administrator
) -> None:
    seeded, cmid = completed(moodle, "grain-zero")
    moodle.act("set_time", cmid, 0)
    moodle.run_adhoc()
    assert moodle.act("refused", cmid) == [["before_2000", False]]
    assert "record these as of today" in administrator.get(STATUS)
    administrator.post(STATUS, asoftoday=cmid)
    moodle.run_adhoc()
    eventually(lambda: len(bridge.rows(seeded["learner"])) == 1)
    [(_, _, _, at)] = bridge.rows(seeded["learner"])
    assert datetime.now(UTC) - datetime.fromisoformat(at) < timedelta(minutes=10)


def test_a_completion_ahead_waits_for_its_time(moodle: Moodle, bridge: Service) -> None:
    seeded, cmid = completed(moodle, "grain-ahead")
    moodle.act("set_time", cmid, int(time.time()) + 330)  # the bridge takes 300
    moodle.run_adhoc()
    assert moodle.act("ahead") == 1
    assert moodle.act("refused", cmid) == []

    def arrived() -> bool:
        moodle.run_scheduled()
        return [row[0] for row in bridge.rows(seeded["learner"])] == ["grain-ahead"]

    eventually(arrived, 120)
    assert moodle.act("ahead") == 0


def test_a_reset_notices_new_id_numbers(moodle: Moodle, bridge: Service) -> None:
    seeded, cmid = completed(moodle, "module/grain")
    moodle.run_adhoc()
    moodle.act("reset_course", seeded["course"])
    assert moodle.act("refused", cmid) == [["parts", True]]
    moodle.act("rename_activity", cmid, "grain-mended")
    moodle.run_scheduled()
    eventually(lambda: [row[0] for row in bridge.rows(seeded["learner"])] == ["grain-mended"])


def test_what_is_refused_and_gone_can_be_forgotten(
    moodle: Moodle, administrator: Administrator
) -> None:
    _, cmid = completed(moodle, "module/grain")
    moodle.run_adhoc()
    moodle.act("delete_activity", cmid)
    assert "is no longer in Moodle" in administrator.get(STATUS)
    administrator.post(STATUS, forget=cmid)
    assert moodle.act("refused", cmid) == []
