"""The Django app in a project shaped like the LMS: start-up, health, and sending what waits."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge import Bridge, Identity
from bridge.stores.memory import MemoryStore
from progress_xblock.pending import LearnerState, completion_of, export, send
from tests.servers import ROOT
from tests.servers.process import closed_port
from tests.unit.xblock.lms import LEARNER, LMS, PENDING, waiting

HEALTH = """
import django; django.setup()
from django.test import Client
answer = Client().get("/progress-bridge/health")
print(answer.status_code, answer.content.decode().strip())
"""


@pytest.fixture
def lms(tmp_path: Path) -> LMS:
    return LMS(tmp_path)


def test_wrong_settings_are_one_line_at_start(lms: LMS) -> None:
    lms.set_up({"store": {"url": "https://directus.example.org"}})
    started = lms.manage("check")
    assert started.returncode == 0
    assert started.stderr.count("ProgressXBlock keeps completions until this is mended") == 1
    assert "store.token_file: Directus needs a token" in started.stderr
    assert "Traceback" not in started.stderr


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("redis://127.0.0.1", "XBLOCK_SETTINGS['ProgressXBlock']: not a mapping of settings"),
        ({"outbox": {"url": "redis://:hu[sh@h:6379/0"}}, "outbox.url: cannot be read; in a pass"),
    ],
    ids=["no mapping", "a bracket"],
)
def test_unreadable_settings_let_the_lms_start(lms: LMS, settings: object, words: str) -> None:
    lms.set_up(settings)
    started = lms.manage("check")
    assert started.returncode == 0
    assert words in started.stderr
    assert "Traceback" not in started.stderr
    assert "hu[sh" not in started.stderr


def test_right_settings_are_no_line(lms: LMS) -> None:
    assert "ProgressXBlock" not in lms.manage("check").stderr


def test_the_entry_point_finds_the_app() -> None:
    text = (ROOT / "setup.py").read_text()
    assert (
        '"lms.djangoapp": ["progress_xblock = progress_xblock.apps:ProgressXBlockConfig"]' in text
    )


class TestHealth:
    def ask(self, lms: LMS) -> str:
        answer = lms.python("-c", HEALTH)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    def test_a_store_that_takes_completions_is_well(self, lms: LMS) -> None:
        assert self.ask(lms) == "200 ok"

    def test_an_outbox_is_healthy_without_its_store(self, lms: LMS) -> None:
        down = {"url": f"http://127.0.0.1:{closed_port()}", "token": "t"}
        lms.set_up({"store": down, "outbox": {"url": f"sqlite:///{lms.folder}/outbox.db"}})
        assert self.ask(lms) == "200 ok"

    def test_a_store_that_is_down_is_said(self, lms: LMS) -> None:
        url = f"http://127.0.0.1:{closed_port()}"
        lms.set_up({"store": {"url": url, "token": "hush-hush"}})
        answer = self.ask(lms)
        assert answer == "503 completions are not taken: run progress-bridge check"

    def test_a_silent_store_is_given_up_in_budget(self, lms: LMS) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            patient = {"url": url, "token": "t", "read_timeout": 30}
            lms.set_up({"store": patient, "budget": 0.2})
            assert self.ask(lms) == "503 no answer in time"

    def test_an_answer_is_remembered_for_a_while(self, lms: LMS) -> None:
        code = HEALTH.replace("answer =", "Client().get('/progress-bridge/health')\nanswer =")
        looks = "import progress_xblock.health as h; h.find_out = iter(['ok', 'not ok']).__next__\n"
        assert lms.python("-c", looks + code).stdout.strip() == "200 ok"

    def test_a_second_asker_does_not_wait(self, lms: LMS) -> None:
        looks = (
            "import progress_xblock.health as h; from django.test import Client; asked = []\n"
            "def look():\n"
            "    answer = Client().get('/progress-bridge/health')\n"
            "    asked.append(answer.status_code)\n"
            "    return 'ok'\n"
            "h.find_out = look\n"
        )
        code = HEALTH + "print(asked)\n"
        assert lms.python("-c", looks + code).stdout.split() == ["200", "ok", "[503]"]

    @pytest.mark.parametrize("buckets", ["[]", '"redis://h"', "7"])
    def test_settings_of_all_blocks_may_be_wrong(self, lms: LMS, buckets: str) -> None:
        (lms.folder / "xblock_settings.json").write_text(buckets)
        assert self.ask(lms) == "503 the settings are wrong: the log tells which"
        assert "XBLOCK_SETTINGS: not a mapping" in lms.manage("check").stderr

    def test_wrong_settings_are_said_without_any_of_them(self, lms: LMS) -> None:
        lms.set_up({"store": {"url": "ftp://user:secret@example.org"}})
        assert self.ask(lms) == "503 the settings are wrong: the log tells which"


class TestSendPending:
    def test_what_waits_is_recorded_and_said(self, lms: LMS) -> None:
        lms.states(
            waiting(),
            waiting(grain_id="grain-2") | {"state": "held"},
            {"state": "done", "pending": {}},
            {"state": "pending", "pending": {"grain_id": "old"}},
            None,
        )
        done = lms.manage("send_pending_progress")
        assert done.returncode == 0, done.stderr
        assert sorted(done.stdout.splitlines()) == [
            "1 cannot be read, left for the learner's next visit",
            "2 recorded",
        ]
        assert lms.progress() == ["grain-1", "grain-2"]
        first, second, third, fourth, fifth = lms.kept()
        assert first == {**waiting(), "state": "done", "pending": {}}
        assert second == first
        assert third == {"state": "done", "pending": {}}
        assert fourth == {"state": "pending", "pending": {"grain_id": "old"}}
        assert fifth is None

    def test_again_there_is_nothing_to_send(self, lms: LMS) -> None:
        lms.states(waiting())
        lms.manage("send_pending_progress")
        assert lms.manage("send_pending_progress").stdout == "nothing is waiting\n"

    def test_a_dry_run_only_counts(self, lms: LMS) -> None:
        lms.states(waiting())
        assert lms.manage("send_pending_progress", "--dry-run").stdout == "1 waiting\n"
        assert lms.kept() == [waiting()]
        assert lms.progress() == []

    def test_an_export_is_complete_and_private(self, lms: LMS) -> None:
        lms.states(waiting(), waiting(grain_id="Été"))
        file = lms.folder / "pending.jsonl"
        done = lms.manage("send_pending_progress", "--export", str(file))
        assert done.stdout == "2 exported\n"
        assert file.stat().st_mode & 0o777 == 0o600
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        assert lines == [
            {**PENDING, "usage": "block-0"},
            {**PENDING, "grain_id": "Été", "usage": "block-1"},
        ]
        assert lms.kept()[0] == waiting()

    def test_an_export_into_an_open_file_is_private(self, lms: LMS) -> None:
        lms.states(waiting())
        file = lms.folder / "pending.jsonl"
        file.write_text("of yesterday")
        file.chmod(0o644)
        assert lms.manage("send_pending_progress", "--export", str(file)).returncode == 0
        assert file.stat().st_mode & 0o777 == 0o600
        assert "of yesterday" not in file.read_text()

    def test_an_outage_leaves_all_as_it_was(self, lms: LMS) -> None:
        url = f"http://127.0.0.1:{closed_port()}"
        lms.set_up({"store": {"url": url, "token": "hush-hush"}})
        lms.states(waiting())
        done = lms.manage("send_pending_progress")
        assert done.returncode == 1
        assert "run it again later" in done.stderr
        assert "Traceback" not in done.stderr
        assert "hush-hush" not in done.stderr
        assert lms.kept() == [waiting()]

    def test_a_changed_state_is_not_written_over(self, lms: LMS) -> None:
        lms.states(waiting(), waiting())
        code = (
            "import django; django.setup()\n"
            "from lms.djangoapps.courseware.models import StudentModule\n"
            "from progress_xblock.student_modules import StudentModules\n"
            "rows = StudentModules(StudentModule)\n"
            "first, second = rows\n"
            "StudentModule.objects.filter(pk=first.key).update(state='{}')\n"
            "print(rows.save(first, 'ours'), rows.save(second, '[1]'))\n"
        )
        assert lms.python("-c", code).stdout.strip() == "False True"
        assert lms.kept() == [{}, [1]]

    def test_elsewhere_than_in_an_lms_it_says_so(self, lms: LMS) -> None:
        settings = lms.folder / "settings.py"
        settings.write_text(settings.read_text().replace('"lms.djangoapps.courseware", ', ""))
        (lms.folder / "lms/djangoapps/courseware/models.py").unlink()
        done = lms.manage("send_pending_progress")
        assert done.returncode == 1
        assert "this is not an LMS" in done.stderr


@pytest.fixture
def bridge() -> Bridge:
    return Bridge(MemoryStore())


def rows(*states: dict[str, object]) -> list[LearnerState]:
    return [LearnerState(n, f"block-{n}", json.dumps(state)) for n, state in enumerate(states)]


def saving(saved: dict[object, str], same: bool = True) -> Callable[[LearnerState, str], bool]:
    def save(kept: LearnerState, state: str) -> bool:
        if same:
            saved[kept.key] = state
        return same

    return save


def test_more_than_a_batch_is_sent_in_batches(bridge: Bridge, monkeypatch) -> None:
    monkeypatch.setattr("progress_xblock.pending.BATCH_SIZE", 2)
    saved: dict[object, str] = {}
    tally = send(rows(*(waiting(grain_id=f"g{n}") for n in range(5))), bridge, saving(saved))
    assert tally == {"created": 5}
    assert len(saved) == 5
    assert len(bridge.progress("funmooc", LEARNER)) == 5


def test_a_state_changed_meanwhile_is_left_alone(bridge: Bridge) -> None:
    saved: dict[object, str] = {}
    tally = send(rows(waiting()), bridge, saving(saved, same=False))
    assert tally == {"created": 1, "changed": 1}
    assert saved == {}


def test_a_refusal_is_said_in_the_state(bridge: Bridge, monkeypatch) -> None:
    from bridge import Outcome

    monkeypatch.setattr(bridge.store, "record", lambda batch: [Outcome.rejected("no")] * len(batch))
    saved: dict[object, str] = {}
    assert send(rows(waiting()), bridge, saving(saved)) == {"rejected": 1}
    assert json.loads(saved[0]) == waiting() | {"state": "refused"}


@pytest.mark.parametrize(
    "state",
    ["", "null", "[]", "{}", '{"pending": 7}', '{"pending": {}}', "{", '{"pending": ' * 100_000],
    ids=lambda state: state[:20],
)
def test_an_unreadable_state_is_left_alone(bridge: Bridge, state: str) -> None:
    assert completion_of(state) is None
    assert send([LearnerState(1, "b", state)], bridge, saving({})) == {"unreadable": 1}
    assert list(export([LearnerState(1, "b", state)])) == []


def test_the_states_that_are_kept_are_sent(course, store, bridge) -> None:
    from bridge import StoreUnavailable

    store.error = StoreUnavailable("refused")
    instant = course.click()["completed_at"]
    fields = {key.field_name: value for key, value in course.kept.items()}
    saved: dict[object, str] = {}
    assert send([LearnerState(1, "b", json.dumps(fields))], bridge, saving(saved)) == {"created": 1}
    (row,) = bridge.store.progress(Identity("funmooc", LEARNER))
    assert row.completed_at is not None
    assert row.completed_at.isoformat() == instant
    for key in course.kept:
        course.kept[key] = json.loads(saved[1])[key.field_name]
    assert course.visit()["state"] == "done"
    assert course.visit()["completed_at"] == instant
