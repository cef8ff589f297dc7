"""What an operator has: `status`, `dead` and `deliver`, in words and in JSON."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner, Result
from prometheus_client import CollectorRegistry

from bridge.cli import cli
from bridge.config import ENVIRONMENT, OutboxSettings
from bridge.delivery.status import MAX_REPORT_AGE, Report, State
from bridge.model import Identity
from bridge.outbox.sqlite import SQLiteOutbox
from tests.contract.learners import done
from tests.servers.process import HOST

LEARNER = Identity("direct", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
EMAIL = "learner@example.org"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Configure by the environment alone, and return the outbox's file."""
    for variable in (*ENVIRONMENT, "PROGRESS_BRIDGE_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    path = tmp_path / "outbox.db"
    monkeypatch.setenv("PROGRESS_BRIDGE_STORE_URL", f"sqlite:///{tmp_path / 'progress.db'}")
    monkeypatch.setenv("PROGRESS_BRIDGE_OUTBOX_URL", f"sqlite:///{path}")
    return path


@pytest.fixture
def outbox(environment: Path) -> Iterator[SQLiteOutbox]:
    settings = OutboxSettings(url=f"sqlite:///{environment}")
    with closing(SQLiteOutbox(settings, store_email=True)) as outbox:
        yield outbox


def run(*words: str, typed: str | None = None, **environ: str) -> Result:
    return CliRunner().invoke(cli, words, env=environ, input=typed)


def put(outbox: SQLiteOutbox, count: int = 1) -> None:
    outbox.put([done(LEARNER, f"g{number}", email=EMAIL) for number in range(count)])


def bury(outbox: SQLiteOutbox, *reasons: str) -> list[str]:
    """Make dead letters with these reasons, and return their ids."""
    put(outbox, len(reasons))
    for item, reason in zip(outbox.lease(len(reasons), 60), reasons, strict=True):
        outbox.bury(item, reason)
    return [letter.id for letter in outbox.dead()]


def tell(outbox: SQLiteOutbox, report: Report, name: str = "host:1", age: float = 0) -> None:
    """Put a deliverer's report of some seconds ago."""
    settings = OutboxSettings(url=f"sqlite:///{outbox._file.path}")
    with closing(SQLiteOutbox(settings, clock=lambda: time.time() - age)) as past:
        past.note(name, report.as_text())


@pytest.fixture
def _still() -> Iterator[None]:
    """Stop the clock: a busy machine takes seconds from one line to the next."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


def status(code: int) -> tuple[str, str]:
    """Return state and reason, once both ways to ask agree at the same instant."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        said, as_json = run("status"), run("status", "--json")
    answer = json.loads(as_json.output)
    assert said.exit_code == code, said.output
    assert as_json.exit_code == code
    assert f"{answer['state'].upper()}: {answer['why']}" in said.output
    assert answer["remedy"] in said.output
    assert answer["ok"] is (code == 0)
    return answer["state"], answer["why"]


DELIVERING = Report(state=State.DELIVERING, rate=12.5, delivered=99)
PAUSED = Report(state=State.PAUSED, why="the token is not valid (HTTP 401)", seconds=125)
RETRYING = Report(state=State.RETRYING, why="no connection (refused)", next_try=31.2)


def test_nothing_waiting_is_said(outbox: SQLiteOutbox) -> None:
    state, why = status(0)
    assert (state, why) == ("idle", "nothing is waiting: all that was accepted is delivered")


def test_without_a_deliverer_status_says_what_to_start(outbox: SQLiteOutbox) -> None:
    put(outbox)
    assert status(1) == ("stopped", "no deliverer is running (none was heard of for a day)")
    assert "start `progress-bridge deliver`" in run("status").output


@pytest.mark.parametrize(
    ("report", "age", "doing"),
    [
        (DELIVERING, MAX_REPORT_AGE + 60, "not heard of for 1 min 30 s; was it killed?"),
        (Report(state=State.STOPPED), 60, "stopped 1 min ago"),
    ],
)
@pytest.mark.usefixtures("_still")
def test_a_deliverer_that_is_gone_does_not_deliver(
    outbox: SQLiteOutbox, report: Report, age: float, doing: str
) -> None:
    put(outbox)
    tell(outbox, report, age=age)
    state, why = status(1)
    assert state == "stopped"
    assert "the last one was heard of 1 min" in why
    assert doing in run("status").output


def test_a_pause_is_told_with_reason_and_remedy(outbox: SQLiteOutbox) -> None:
    put(outbox)
    tell(outbox, PAUSED)
    assert status(1) == ("paused", "the token is not valid (HTTP 401)")
    said = run("status").output
    assert "Deliverer host:1: paused for 2 min 5 s" in said
    assert "`progress-bridge check` tells what to mend" in said


def test_an_unavailable_store_is_told_with_next_try(outbox: SQLiteOutbox) -> None:
    put(outbox)
    tell(outbox, RETRYING, age=10.5)
    state, why = status(3)
    assert state == "retrying"
    assert why in ("no connection (refused); next try in 21 s", f"{RETRYING.why}; next try in 20 s")


def test_one_deliverer_that_delivers_is_enough(outbox: SQLiteOutbox) -> None:
    put(outbox)
    tell(outbox, PAUSED, "host:1")
    tell(outbox, DELIVERING, "host:2")
    assert status(0)[0] == "delivering"
    said = run("status").output
    assert "Deliverer host:1: paused" in said
    assert "Deliverer host:2: delivering, 12.5 a second" in said


def test_the_numbers_are_those_of_the_outbox(outbox: SQLiteOutbox) -> None:
    bury(outbox, "refused")
    put(outbox, 3)
    outbox.lease(1, 60)
    tell(outbox, DELIVERING)
    answer = json.loads(run("status", "--json").output)
    numbers = [answer[name] for name in ("waiting", "leased", "dead", "rate")]
    assert numbers == [2, 1, 1, 12.5]
    assert 0 <= answer["oldest_seconds"] < 60
    said = run("status").output
    assert "Dead letters  1" in said
    assert "`progress-bridge dead list` tells why" in said


@pytest.mark.parametrize(("count", "words"), [(1, "1 completion is"), (2, "2 completions are")])
def test_status_is_not_green_over_dead_letters(
    outbox: SQLiteOutbox, count: int, words: str
) -> None:
    bury(outbox, *["refused"] * count)
    assert status(4)[0] == "idle"
    said = run("status").output
    assert f"DEAD LETTERS: {words} not recorded, and" in said
    assert "→ `progress-bridge dead list` tells why" in said
    put(outbox)
    tell(outbox, DELIVERING)
    assert status(4)[0] == "delivering"
    run("dead", "drop", "--all", "--yes")
    assert status(0)[0] == "delivering"


@pytest.mark.parametrize(("report", "code"), [(PAUSED, 1), (RETRYING, 3), (None, 1)])
def test_trouble_with_delivery_comes_before_dead_letters(
    outbox: SQLiteOutbox, report: Report | None, code: int
) -> None:
    bury(outbox, "refused")
    put(outbox)
    if report:
        tell(outbox, report)
    status(code)
    assert "DEAD LETTERS: 1 completion" in run("status").output


@pytest.mark.usefixtures("_still")
def test_the_last_error_is_told_once_over(outbox: SQLiteOutbox) -> None:
    tell(outbox, Report(state=State.DELIVERING, last_error="HTTP 503", last_error_seconds=60))
    assert "Last error 1 min ago: HTTP 503" in run("status").output
    answer = json.loads(run("status", "--json").output)
    assert answer["last_error"]["deliverer"] == "host:1"


WAITS = Report(state=State.DELIVERING, erasing=State.PAUSED, erasing_why="no right (HTTP 403)")


def test_erasures_that_wait_are_told_with_since_when(outbox: SQLiteOutbox) -> None:
    assert "Erasures      0" in run("status").output
    outbox.request_erasure(LEARNER)
    assert status(1)[0] == "stopped"
    said, answer = run("status").output, json.loads(run("status", "--json").output)
    assert "Erasures      1                  of learners, asked for and not done: the first" in said
    assert answer["erasures"] == 1
    assert 0 <= answer["oldest_erasure_seconds"] < 60
    assert LEARNER.external_user_id[:8] not in said
    outbox.erasure_done(outbox.lease_erasures(1, 60)[0])
    assert status(0)[0] == "idle"


@pytest.mark.parametrize("completions", [0, 1])
def test_what_keeps_learners_from_being_erased_is_told(
    outbox: SQLiteOutbox, completions: int
) -> None:
    put(outbox, completions)
    outbox.request_erasure(Identity("moodle", 1))
    tell(outbox, WAITS)
    assert status(1) == ("paused", "learners who are to be erased are not: no right (HTTP 403)")
    outbox.erasure_done(outbox.lease_erasures(1, 60)[0])
    assert status(0)[0] == ("delivering" if completions else "idle")


def test_erasures_delayed_by_a_busy_store_are_told(outbox: SQLiteOutbox) -> None:
    outbox.request_erasure(LEARNER)
    why = {"erasing": State.RETRYING, "erasing_why": "refused", "erasing_next_try": 31.4}
    tell(outbox, Report(state=State.DELIVERING, **why))
    state, said = status(3)
    assert state == "retrying"
    assert said.startswith("learners who are to be erased are not: refused; next try in 3")
    tell(outbox, DELIVERING, "host:2")
    assert status(0) == ("delivering", "all is delivered; learners are being erased")


def test_trouble_with_completions_comes_before_that_with_erasures(outbox: SQLiteOutbox) -> None:
    put(outbox)
    outbox.request_erasure(Identity("moodle", 1))
    tell(outbox, PAUSED)
    assert status(1) == ("paused", "the token is not valid (HTTP 401)")


def test_a_report_of_another_version_is_no_obstacle(outbox: SQLiteOutbox) -> None:
    outbox.note("host:9", '{"state": "dancing"}')
    outbox.note("host:8", '{"state": "paused", "tune": 1}')
    outbox.note("host:7", "?")
    assert status(0)[0] == "idle"


def test_an_unreadable_outbox_is_exit_code_3(environment: Path) -> None:
    environment.write_text("no database, by far" * 100)
    for words in (["status"], ["dead", "list"]):
        result = run(*words)
        assert result.exit_code == 3
        assert result.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    "words", [["status"], ["deliver"], ["dead", "list"], ["dead", "show", "1"]]
)
def test_without_an_outbox_the_missing_setting_is_named(
    environment: Path, words: list[str]
) -> None:
    result = run(*words, PROGRESS_BRIDGE_OUTBOX_URL="")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: no outbox: set outbox.url")


# --- dead letters ------------------------------------------------------------------------------


def test_dead_letters_are_listed_with_their_reasons(outbox: SQLiteOutbox) -> None:
    first, second = bury(outbox, "too long", "not\nwelcome")
    lines = run("dead", "list").output.splitlines()
    assert [line.split()[0] for line in lines] == [first, second]
    assert lines[0].endswith("direct:6f9619ff… g0: too long")
    assert lines[1].endswith("g1: not welcome")


def test_no_dead_letters_are_said(outbox: SQLiteOutbox) -> None:
    assert run("dead", "list").output == "no dead letters\n"
    assert json.loads(run("dead", "list", "--json").output) == []


def test_a_long_list_is_cut_and_says_so(outbox: SQLiteOutbox) -> None:
    bury(outbox, "a", "b", "c")
    lines = run("dead", "list", "--most", "2").output.splitlines()
    assert len(lines) == 3
    assert lines[2] == "… and 1 more (--most)"


def test_one_is_shown_whole(outbox: SQLiteOutbox) -> None:
    (key,) = bury(outbox, "too long")
    said = run("dead", "show", key).output
    for words in ("direct:6f9619ff…", "grain_id      g0", "module_id     –", "too long"):
        assert words in said
    answer = json.loads(run("dead", "show", key, "--json").output)
    assert answer["completed_at"] == "2026-01-31T12:00:00.000+00:00"


def test_neither_addresses_nor_whole_ids_are_shown(outbox: SQLiteOutbox) -> None:
    (key,) = bury(outbox, "too long")
    for words in (["list"], ["list", "--json"], ["show", key], ["show", key, "--json"]):
        said = run("dead", *words).output
        assert EMAIL not in said
        assert "6f9619ff-8" not in said


def test_replayed_letters_wait_again(outbox: SQLiteOutbox) -> None:
    first, _, _ = bury(outbox, "a", "b", "c")
    assert run("dead", "replay", first).output == "1 dead letter replayed\n"
    assert run("dead", "replay", "--all").output == "2 dead letters replayed\n"
    assert (outbox.counts().waiting, outbox.counts().dead) == (3, 0)


def test_dropping_asks_first(outbox: SQLiteOutbox) -> None:
    keys = bury(outbox, "a", "b", "c")
    refused = run("dead", "drop", "--all", typed="n\n")
    assert refused.exit_code == 1
    assert "Lose 3 dead letters for good?" in refused.output
    assert outbox.counts().dead == 3
    assert run("dead", "drop", keys[0], typed="y\n").exit_code == 0
    assert run("dead", "drop", "--all", "--yes").output == "2 dead letters dropped\n"
    assert outbox.counts() == outbox.counts().__class__(0, 0, 0, None)


@pytest.mark.parametrize("words", [["replay"], ["drop", "--yes"]])
def test_an_unknown_id_stops_no_other_letter(outbox: SQLiteOutbox, words: list[str]) -> None:
    (key,) = bury(outbox, "a")
    result = run("dead", *words, key, "4711")
    assert result.exit_code == 1
    assert result.stdout.startswith("1 dead letter ")
    assert result.stderr == "Error: 1 of the ids are of no dead letter\n"
    assert run("dead", "show", "4711").exit_code == 1


@pytest.mark.parametrize("words", [["replay"], ["drop"], ["replay", "1", "--all"]])
def test_ids_or_all_have_to_be_given(outbox: SQLiteOutbox, words: list[str]) -> None:
    result = run("dead", *words)
    assert result.exit_code == 2
    assert "ids of dead letters, or --all" in result.stderr


def test_letters_beyond_the_first_page_are_replayed(
    outbox: SQLiteOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["bridge.cli.dead"], "PAGE", 2)
    bury(outbox, *"abcde")
    assert len(run("dead", "list").output.splitlines()) == 5
    assert run("dead", "replay", "--all").output == "5 dead letters replayed\n"


# --- the others --------------------------------------------------------------------------------


def test_check_tells_of_the_outbox_too(outbox: SQLiteOutbox, environment: Path) -> None:
    said = run("check").output
    assert f"ok    outbox {environment}: can be written" in said
    answer = json.loads(run("check", "--json").output)
    assert answer["outbox"] == f"sqlite:///{environment}"


def test_an_unusable_outbox_fails_the_check(environment: Path) -> None:
    environment.mkdir()
    result = run("check")
    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == "Completions are NOT recorded."


def test_what_is_recorded_is_accepted(outbox: SQLiteOutbox) -> None:
    assert "accepted" in run("record", "moodle", "1", "g1").output
    answer = json.loads(run("record", "moodle", "1", "g2", "--json").output)
    assert answer == {"outcome": "accepted"}
    assert outbox.counts().waiting == 2


def test_a_taken_metrics_port_is_one_clear_line(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prometheus_client.REGISTRY", CollectorRegistry())  # not the process's
    with socket.create_server((HOST, 0)) as taken:
        result = run("deliver", "--metrics-port", str(taken.getsockname()[1]))
    assert result.exit_code == 1
    assert "Address already in use" in result.stderr
