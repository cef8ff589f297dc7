"""The command line: its words, its exit codes, and that all of it is documented."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import bridge
from bridge.cli import cli
from bridge.cli.setup import ADMIN_TOKEN
from bridge.config import ENVIRONMENT
from tests.servers import ROOT
from tests.servers.process import closed_port

README = (ROOT / "bridge/cli/README.md").read_text(encoding="utf-8")
LEARNER = ("direct", "6F9619FF-8B86-4D01-B42D-00CF4FC964FF")


@pytest.fixture
def sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Configure an empty SQLite store by the environment alone."""
    for variable in (*ENVIRONMENT, "PROGRESS_BRIDGE_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    path = tmp_path / "progress.db"
    monkeypatch.setenv("PROGRESS_BRIDGE_STORE_URL", f"sqlite:///{path}")
    return path


def run(*words: str, **environ: str) -> Result:
    return CliRunner().invoke(cli, words, env=environ)


def commands() -> dict[str, click.Command]:
    """Return all commands by their words, those of groups too."""
    found: dict[str, click.Command] = {"": cli}
    for name, command in cli.commands.items():
        found[name] = command
        if isinstance(command, click.Group):
            found |= {f"{name} {word}": inner for word, inner in command.commands.items()}
    return found


@pytest.mark.parametrize("name", commands())
def test_every_command_option_and_argument_is_documented(name: str) -> None:
    command = commands()[name]
    first, _, word = name.partition(" ")
    section = README if not name else README.split(f"## `{first}", 1)[1].split("\n## ", 1)[0]
    section = section.split(f"- `{name}", 1)[1].split("\n", 1)[0] if word else section
    for parameter in command.params:
        for word in _written(parameter):
            assert word in section, f"{name} {word}"


def _written(parameter: click.Parameter) -> list[str]:
    return parameter.opts if isinstance(parameter, click.Option) else [str(parameter.name).upper()]


@pytest.mark.parametrize("name", commands())
def test_every_command_has_help_with_an_example(name: str) -> None:
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert "Example:\n    progress-bridge " in result.output


def test_documented_exit_codes_are_those_of_the_help() -> None:
    for code in "0123":
        assert f"\n| {code} | " in README
        assert f" {code} " in " ".join(run("--help").output.split())


def test_the_version_is_the_packages() -> None:
    assert run("--version").output == f"progress-bridge, version {bridge.__version__}\n"


def test_a_completion_is_recorded_once_and_moves_earlier(sqlite: Path) -> None:
    words = ("record", *LEARNER, "g1", "--module", "m1", "--sequence", "s1", "--at")
    said = [
        run(*words, f"2026-0{month}-01T12:00:00+02:00").output.partition("g1: ")[2]
        for month in (3, 2, 4)
    ]
    assert said == [
        "recorded\n",
        "moved to this earlier completion\n",
        "already recorded, nothing changed\n",
    ]
    table = run("progress", *LEARNER).output.splitlines()
    assert table == [
        "COMPLETED AT (UTC)   GRAIN  MODULE  SEQUENCE",
        "2026-02-01 10:00:00  g1     m1      s1",
    ]


def test_the_outcome_as_json(sqlite: Path) -> None:
    answers = [json.loads(run("record", *LEARNER, "g1", "--json").output) for _ in range(2)]
    assert answers == [{"outcome": "created"}, {"outcome": "already_recorded"}]


def test_progress_as_json_is_the_export(sqlite: Path) -> None:
    run("record", *LEARNER, "g1", "--at", "2026-01-31T12:00:00Z")
    answer = json.loads(run("progress", *LEARNER, "--json").output)
    assert answer["learner"]["external_user_id"] == LEARNER[1].lower()
    assert answer["progress"] == [
        {
            "grain_id": "g1",
            "module_id": None,
            "sequence_id": None,
            "completed_at": "2026-01-31T12:00:00.000Z",
        }
    ]


def test_a_learner_nobody_has_seen_has_nothing_recorded(sqlite: Path) -> None:
    assert run("progress", "moodle", "1").output == "moodle:1: nothing recorded\n"
    answer = json.loads(run("progress", "moodle", "1", "--json").output)
    assert answer == {"learner": None, "progress": []}


def test_a_learner_is_erased_once_it_is_confirmed(sqlite: Path) -> None:
    run("record", *LEARNER, "g1")
    refused = CliRunner().invoke(cli, ["erase", *LEARNER], input="n\n")
    assert refused.exit_code == 1
    assert "Erase direct:6f9619ff… for good?" in refused.output
    assert len(json.loads(run("progress", *LEARNER, "--json").output)["progress"]) == 1
    assert run("erase", *LEARNER, "--yes").output == "direct:6f9619ff…: erased\n"
    assert json.loads(run("progress", *LEARNER, "--json").output)["learner"] is None
    assert run("erase", *LEARNER, "--yes").output == "direct:6f9619ff…: nothing was kept\n"
    assert json.loads(run("erase", *LEARNER, "--yes", "--json").output) == {"erased": False}


def test_a_learner_being_delivered_is_not_erased_yet(sqlite: Path) -> None:
    outbox = {"PROGRESS_BRIDGE_OUTBOX_URL": f"sqlite:///{sqlite.with_name('outbox.db')}"}
    run("record", *LEARNER, "g1", **outbox)
    with bridge.Bridge.from_settings(bridge.Settings.load(environ=os.environ | outbox)) as held:
        assert held.outbox
        leased = held.outbox.lease(1, 60)
        result = run("erase", *LEARNER, "--yes", **outbox)
        assert (result.exit_code, "erase again" in result.output) == (3, True)
        held.outbox.give_back(leased)
    assert run("erase", *LEARNER, "--yes", **outbox).output.endswith(": erased\n")


def test_an_erasure_can_be_left_to_a_deliverer(sqlite: Path) -> None:
    outbox = {"PROGRESS_BRIDGE_OUTBOX_URL": f"sqlite:///{sqlite.with_name('outbox.db')}"}
    run("record", *LEARNER, "g1", **outbox)
    said = run("erase", *LEARNER, "--yes", "--later", **outbox).output
    assert said.startswith("direct:6f9619ff…: a deliverer erases them;")
    answer = json.loads(run("erase", *LEARNER, "--yes", "--later", "--json", **outbox).output)
    assert answer == {"erased": False, "asked": True}
    told = json.loads(run("status", "--json", **outbox).output)
    assert (told["waiting"], told["erasures"]) == (0, 1)


def test_without_an_outbox_erasure_happens_at_once(sqlite: Path) -> None:
    run("record", *LEARNER, "g1")
    assert run("erase", *LEARNER, "--yes", "--later").output == "direct:6f9619ff…: erased\n"


def test_the_email_is_kept_only_where_configured(sqlite: Path, tmp_path: Path) -> None:
    config = tmp_path / "bridge.yaml"
    for keep, kept in ((False, None), (True, "a@example.org")):
        config.write_text(f"store_email: {str(keep).lower()}")
        words = ("--config", str(config))
        learner = ("moodle", "2" if keep else "1")
        run(*words, "record", *learner, "g1", "--email", "a@example.org")
        answer = json.loads(run(*words, "progress", *learner, "--json").output)
        assert answer["learner"]["email"] == kept


def test_no_stored_text_can_control_the_terminal(sqlite: Path) -> None:
    import sqlite3

    run("record", "moodle", "1", "g1")
    with sqlite3.connect(sqlite) as connection:
        connection.execute("UPDATE progress SET grain_id = 'a' || char(27) || '[2J'")
    connection.close()
    assert "a?[2J" in run("progress", "moodle", "1").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("record", "moodle", "007", "g1"), "moodle external_user_id: leading zero: '007'"),
        (("record", "facebook", "1", "g1"), "origin: unknown origin"),
        (("progress", "funmooc", "student"), "the id of a Studio preview"),
        (("record", "moodle", "1", " "), "grain_id: empty"),
        (("record", "moodle", "1", "g", "--at", "2026-01-31T12:00:00"), "naive (no time zone)"),
        (("record", "moodle", "1", "g", "--at", "1999-12-31T12:00:00Z"), "before 2000"),
        (("record", "moodle", "1", "g", "--at", "yesterday"), "not an instant such as"),
        (("record", "moodle", "1"), "Missing argument 'GRAIN'"),
        (("recrod", "moodle", "1", "g"), "No such command"),
    ],
)
def test_bad_input_is_one_line_and_code_2(sqlite: Path, words: tuple[str, ...], said: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert not sqlite.exists(), "nothing was opened for it"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("store: [", "line 1: not YAML"),
        ("store: {url: 'sqlite:///x', tokn: y}", "store.tokn: no such setting"),
        ("{}", "no store: set store.url"),
    ],
)
def test_bad_configuration_is_one_line_and_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.delenv("PROGRESS_BRIDGE_STORE_URL", raising=False)
    config = tmp_path / "bridge.yaml"
    config.write_text(text)
    result = run("check", PROGRESS_BRIDGE_CONFIG=str(config))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_config_option_wins_over_the_environment(sqlite: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("store: [")
    words = ("--config", str(tmp_path / "none.yaml"), "check")
    result = run(*words, PROGRESS_BRIDGE_CONFIG=str(tmp_path / "bad.yaml"))
    assert "cannot read the configuration" in result.stderr
    assert "none.yaml" in result.stderr


def test_a_store_that_is_down_is_code_3(sqlite: Path) -> None:
    result = run(
        *("record", "moodle", "1", "g1"),
        PROGRESS_BRIDGE_STORE_URL=f"http://127.0.0.1:{closed_port()}",
        PROGRESS_BRIDGE_STORE_TOKEN="secret-token",
    )
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1
    assert "secret-token" not in result.stderr


def test_only_debug_shows_a_traceback(sqlite: Path) -> None:
    words = ("record", "moodle", "007", "g1")
    assert "Traceback" not in run(*words).stderr
    debugged = run("--debug", *words)
    assert "Traceback" in debugged.stderr
    assert debugged.exit_code == 2


def test_a_bug_is_one_line_too_unless_debugging() -> None:
    code = (
        "import sys, bridge.cli.context as c; from bridge.cli import main\n"
        "def settings(self): raise KeyError('personal data')\n"
        "c.Context.settings = settings\nmain()"
    )
    for words, shown in (("check",), False), (("--debug", "check"), True):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert ("Traceback" in done.stderr) is shown
        assert shown or "personal data" not in done.stderr


def test_memory_is_checked_without_anything_installed(sqlite: Path) -> None:
    result = run("check", PROGRESS_BRIDGE_STORE_URL="memory:")
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "Completions are recorded.")


def test_setup_is_for_directus(sqlite: Path) -> None:
    result = run("setup", **{ADMIN_TOKEN: "admin"})
    assert result.exit_code == 1
    assert "sqlite needs no setup" in result.stderr


def test_the_administrators_token_is_asked_without_echo(sqlite: Path) -> None:
    result = CliRunner().invoke(cli, ["setup"], input="typed-secret\n", env={ADMIN_TOKEN: ""})
    assert "Administrator's token" in result.output
    assert "typed-secret" not in result.output


def test_the_administrators_token_may_come_from_a_file(sqlite: Path, tmp_path: Path) -> None:
    file = tmp_path / "admin"
    file.write_text("from-a-file\n")
    words = ("setup", "--url", f"http://127.0.0.1:{closed_port()}", "--admin-token-file", str(file))
    result = run(*words)
    assert result.exit_code == 3
    assert "from-a-file" not in result.output


def test_no_option_takes_a_token_others_could_see() -> None:
    for command in commands().values():
        for parameter in command.params:
            assert "token" not in (parameter.name or "") or (
                isinstance(parameter.type, click.Path) or getattr(parameter, "is_flag", False)
            )
