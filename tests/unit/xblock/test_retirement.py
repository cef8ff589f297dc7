"""An account that is retired, in a project shaped like the LMS; `tests/real` does it in the LMS."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bridge import Bridge, Identity
from bridge.outbox import open_outbox
from bridge.stores.memory import MemoryStore
from progress_xblock.apps import ProgressXBlockConfig
from progress_xblock.pending import LearnerState, forgotten, is_forgotten, send
from progress_xblock.settings import settings_for
from tests.unit.xblock.lms import COURSE_ID, LEARNER, LMS, OTHER, PENDING, waiting

RETIRE = """
import logging, types
logging.basicConfig(level="INFO")
import django; django.setup()
from progress_xblock.retirement import retire
retire(None, user=types.SimpleNamespace(id=1, pk=1))
"""
DONE = {"state": "done", "completed_at": "2026-01-31T12:00:00Z", "pending": {}}


@pytest.fixture
def lms(tmp_path: Path) -> LMS:
    return LMS(tmp_path)


def retire(lms: LMS) -> str:
    done = lms.python("-c", RETIRE)
    return done.stderr + done.stdout


class TestWithoutAnOutbox:
    def test_the_learner_is_erased_under_every_id(self, lms: LMS) -> None:
        lms.states(DONE)
        with Bridge.from_settings(settings_for({"store": {"url": lms.store}}, {})) as bridge:
            for learner in (LEARNER, COURSE_ID, "f" * 32, OTHER):
                bridge.record("funmooc", learner, "grain-1")
        said = retire(lms)
        assert "erasure is done" in said
        assert [len(lms.progress(x)) for x in (LEARNER, COURSE_ID, "f" * 32, OTHER)] == [0, 0, 0, 1]
        assert LEARNER not in said

    def test_what_waits_is_forgotten_first(self, lms: LMS) -> None:
        deep = json.dumps(waiting())[:-1] + ', "x": ' + "[" * 80 + "]" * 80 + "}"
        lms.states(waiting(), waiting() | {"state": "refused"}, deep, "{", DONE, None)
        retire(lms)
        *forgotten, done, none = lms.kept_texts()
        assert [json.loads(text) for text in forgotten] == 4 * [{"state": "none", "pending": {}}]
        assert (json.loads(done), none) == (DONE, None)
        assert lms.manage("send_pending_progress").stdout == "nothing is waiting\n"

    def test_a_store_that_is_down_fails_the_step(self, lms: LMS) -> None:
        lms.states(waiting())
        lms.set_up({"store": {"url": f"sqlite:///{lms.folder}/no/folder/p.db"}})
        done = lms.python("-c", RETIRE)
        assert done.returncode == 1
        assert LEARNER not in done.stderr


def test_with_an_outbox_the_deliverer_is_asked(lms: LMS) -> None:
    lms.states(waiting())
    outbox_settings = {"outbox": {"url": f"sqlite:///{lms.folder}/outbox.db"}}
    lms.set_up(outbox_settings)
    assert "erasure is asked for" in retire(lms)
    outbox = open_outbox(settings_for(outbox_settings, {}))
    assert outbox.counts().erasures == 3
    outbox.close()


def test_wrong_settings_fail_the_step(lms: LMS) -> None:
    lms.states(waiting())
    for wrong in ("redis://h", {"store": {"url": "ftp://h"}}):
        lms.set_up(wrong)
        assert lms.python("-c", RETIRE).returncode == 1


def test_where_the_block_is_not_used_nothing_happens(lms: LMS) -> None:
    lms.states()
    lms.set_up({})
    assert lms.python("-c", RETIRE).returncode == 0


@pytest.mark.parametrize("state", [waiting(), DONE], ids=["waits", "is recorded"])
def test_settings_that_are_gone_fail_the_step(lms: LMS, state: dict[str, object]) -> None:
    lms.states(state)
    lms.set_up({})
    done = lms.python("-c", RETIRE)
    assert done.returncode == 1
    assert "is not set, and the learner has states of the block" in done.stderr
    assert LEARNER not in str(lms.kept_texts())  # what waits is forgotten all the same


def test_an_id_against_the_rules_stops_nothing(lms: LMS) -> None:
    lms.states(DONE)
    with closing(sqlite3.connect(lms.folder / "lms.db")) as base, base:
        base.execute("UPDATE courseware_anonymoususerid SET anonymous_user_id = 'a b' WHERE id = 1")
    assert "erasure is done" in retire(lms)


def test_the_lms_connects_the_receiver() -> None:
    config = ProgressXBlockConfig.plugin_app["signals_config"]
    assert list(config) == ["lms.djangoapp"]
    (receiver,) = config["lms.djangoapp"]["receivers"]
    assert receiver["signal_path"].endswith(".USER_RETIRE_LMS_MISC")


class TestSendingMeanwhile:
    """`send_pending_progress` has read the state that is forgotten behind its back."""

    def sent(self, now: Callable[[LearnerState], bool]) -> Bridge:
        bridge = Bridge(MemoryStore())
        row = LearnerState(1, "block", json.dumps(waiting()))
        assert send([row], bridge, lambda *_: False, now) == {"created": 1, "changed": 1}
        return bridge

    def test_the_learner_is_erased_once_more(self) -> None:
        assert self.sent(lambda row: True).progress("funmooc", LEARNER) == []

    def test_one_who_came_back_is_not(self) -> None:
        assert len(self.sent(lambda row: False).progress("funmooc", LEARNER)) == 1

    def test_a_state_tells_that_it_was_forgotten(self) -> None:
        assert is_forgotten(forgotten(json.dumps(waiting())))
        for state in (json.dumps(waiting()), json.dumps(DONE), None, "{", "[]"):
            assert not is_forgotten(state)


class TestWhoseItIs:
    """A state may hold another learner's completion, or one without a learner."""

    IDS = frozenset({LEARNER, COURSE_ID})

    def kept(self, **pending: object) -> LearnerState:
        return LearnerState(1, "block", json.dumps(waiting(**pending)), self.IDS, LEARNER)

    def test_each_of_the_learners_ids_is_theirs(self) -> None:
        for learner in self.IDS:
            completion = self.kept(external_user_id=learner).completion
            assert completion is not None
            assert completion.identity == Identity("funmooc", learner)

    @pytest.mark.parametrize(
        "other", [{"external_user_id": OTHER}, {"origin": "moodle", "external_user_id": "7"}]
    )
    def test_another_learners_is_not_sent(self, other: dict[str, str]) -> None:
        assert self.kept(**other).completion is None

    def test_moodles_is_never_sent(self) -> None:
        pending = {"origin": "moodle", "external_user_id": "7"}
        assert LearnerState(1, "block", json.dumps(waiting(**pending))).completion is None

    def test_one_without_a_learner_is_theirs(self) -> None:
        ids = {"origin", "external_user_id"}
        held = {"state": "held", "pending": {k: v for k, v in PENDING.items() if k not in ids}}
        completion = LearnerState(1, "block", json.dumps(held), self.IDS, LEARNER).completion
        assert completion is not None
        assert completion.identity == Identity("funmooc", LEARNER)
        assert LearnerState(1, "block", json.dumps(held), self.IDS).completion is None

    @pytest.mark.parametrize("which", ["platform", "course"])
    def test_the_command_knows_the_id(self, lms: LMS, which: str) -> None:
        ids = {"origin", "external_user_id"}
        held = {"state": "held", "pending": {k: v for k, v in PENDING.items() if k not in ids}}
        lms.set_up({"store": {"url": lms.store}, "learner_id": which})
        lms.states(held)
        assert lms.manage("send_pending_progress").stdout == "1 recorded\n"
        own = LEARNER if which == "platform" else COURSE_ID
        assert lms.progress(own) == ["grain-1"]


class TestStudio:
    def start(self, lms: LMS, block_settings: object) -> str:
        settings = lms.folder / "settings.py"
        settings.write_text(settings.read_text() + '\nSERVICE_VARIANT = "cms"\n')
        lms.set_up(block_settings)
        return lms.manage("check").stderr

    def test_wrong_settings_are_said_at_its_start(self, lms: LMS) -> None:
        said = self.start(lms, {"learner_id": "both"})
        assert said.count("until this is mended in Studio: learner_id: not one of") == 1

    @pytest.mark.parametrize("right", [{}, {"budget": 2.0}, {"mini_site": "https://m.example.org"}])
    def test_it_needs_neither_store_nor_outbox(self, lms: LMS, right: object) -> None:
        assert "ProgressXBlock" not in self.start(lms, right)
