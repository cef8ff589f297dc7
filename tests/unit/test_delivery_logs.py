"""What delivery logs: events that an operator can follow, and nothing personal or secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import OutboxUnavailable, StoreMisconfigured, StoreUnavailable
from bridge.model import Identity
from bridge.support import logs
from tests.contract.learners import done
from tests.unit.delivering import Bench

LEARNER = Identity("direct", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
EMAIL = "learner@example.org"


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """Restore the loggers afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("bridge")
    kept = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:], level, our_level = kept
    root.setLevel(level)
    ours.setLevel(our_level)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "outbox.db")


@dataclass
class Log:
    """What went to standard error."""

    capsys: pytest.CaptureFixture[str]

    def text(self) -> str:
        return self.capsys.readouterr().err

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Log:
    return Log(capsys)


def drive(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let go wrong all that can, with personal data in all that goes wrong."""
    personal = f"{EMAIL} {LEARNER.external_user_id}"
    bench.outbox.put([done(LEARNER, f"g{n}", email=EMAIL) for n in range(6)])
    bench.store.refused, bench.store.bad = {"g1"}, {"g2"}
    bench.store.error = KeyError(personal)
    bench.store.answers.extend(
        [StoreUnavailable("HTTP 503"), StoreMisconfigured("HTTP 401"), ValueError(personal)]
    )
    bench.go_on(120)
    with monkeypatch.context() as patch:
        for error in (OutboxUnavailable("locked"), RuntimeError(personal)):

            def fail(*_: object, error: Exception = error) -> None:
                raise error

            patch.setattr(bench.outbox, "lease", fail)
            bench.go_on(5)
    bench.go_on(120)


@pytest.mark.parametrize("as_json", [False, True])
def test_no_line_holds_personal_data(
    bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    logs.configure(as_json=as_json, debug=True)
    drive(bench, monkeypatch)
    said = log.text()
    for event in (
        *("store_unavailable", "delivery_paused", "delivery_resumed", "dead_letter"),
        *("outbox_unavailable", "delivered"),
    ):
        assert event in said
    assert "direct:6f9619ff…" in said
    assert "6f9619ff-" not in said
    assert EMAIL not in said
    (note,) = bench.outbox.notes()
    assert "6f9619ff-" not in note.text
    assert EMAIL not in note.text


def test_a_pause_is_said_once_a_minute(bench: Bench, log: Log) -> None:
    logs.configure(as_json=True)
    bench.put("a")
    bench.store.always = StoreMisconfigured("the token is not valid (HTTP 401)")
    bench.go_on(600)
    said = [event for event in log.events() if event["event"] == "delivery_paused"]
    assert 9 <= len(said) <= 11
    assert {event["level"] for event in said} == {"error"}
    assert "HTTP 401" in said[0]["error"]
    assert "progress-bridge check" in said[0]["remedy"]


def test_one_event_is_one_line_of_pairs(log: Log) -> None:
    logs.configure()
    logger = logging.getLogger("bridge.test")
    logs.event(
        logger, logging.INFO, "happened", count=3, seconds=1.23456, text="two\nlines", no=None
    )
    (line,) = log.text().splitlines()
    assert line.endswith(' INFO bridge.test happened count=3 seconds=1.235 text="two lines"')


def test_the_line_stands_without_our_formatter_too(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logs.event(logging.getLogger("bridge.test"), logging.INFO, "happened", count=3)
    assert caplog.messages == ["happened count=3"]


@pytest.mark.parametrize("as_json", [False, True])
def test_what_others_log_is_masked_as_well(log: Log, as_json: bool) -> None:
    logs.configure(as_json=as_json)
    try:
        raise ValueError(EMAIL)
    except ValueError:
        logging.getLogger("library").exception("failed for %s\nin two lines", EMAIL)
    (line,) = log.text().splitlines()
    assert EMAIL not in line
    assert "failed for (e-mail) in two lines" in line
    assert "ValueError" in line


def test_a_very_long_value_is_cut(log: Log) -> None:
    logs.configure()
    logs.event(logging.getLogger("bridge.test"), logging.ERROR, "happened", text="x" * 10_000)
    assert len(log.text()) < 700


def test_batches_are_logged_only_when_debugging(bench: Bench, log: Log) -> None:
    logs.configure()
    bench.put("a")
    bench.step()
    assert log.text() == ""
