"""``progress-bridge pending``: an export of what waits in an LMS, recorded through the bridge."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge import Bridge, Outcome
from bridge.cli import cli
from bridge.config import ENVIRONMENT
from tests.servers.process import closed_port

LEARNER = "0123456789abcdef0123456789abcdef"
LINE = {
    "origin": "funmooc",
    "external_user_id": LEARNER,
    "grain_id": "grain-1",
    "completed_at": "2026-01-31T12:00:00.000+00:00",
}


@pytest.fixture(autouse=True)
def _sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*ENVIRONMENT, "PROGRESS_BRIDGE_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PROGRESS_BRIDGE_STORE_URL", f"sqlite:///{tmp_path}/progress.db")


@pytest.fixture
def export(tmp_path: Path):
    def write(*lines: object) -> str:
        texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        file = tmp_path / "pending.jsonl"
        file.write_bytes(b"\n".join(texts) + b"\n")
        return str(file)

    return write


def run(*words: str, **more: object) -> Result:
    return CliRunner().invoke(cli, ["pending", *words], **more)


def recorded() -> list[tuple[str, str]]:
    with Bridge.from_config() as bridge:
        rows = bridge.progress("funmooc", LEARNER)
    return [(row.grain_id, row.completed_at.isoformat()) for row in rows if row.completed_at]


def test_each_line_is_recorded_with_its_own_instant(export) -> None:
    early = {**LINE, "grain_id": "grain-2", "completed_at": "2025-05-06T09:08:09+02:00"}
    done = run(export(LINE, {**early, "module_id": "m1", "usage": "block-v1:a"}))
    assert (done.exit_code, done.output) == (0, "2 recorded\n")
    assert recorded() == [
        ("grain-2", "2025-05-06T07:08:09+00:00"),
        ("grain-1", "2026-01-31T12:00:00+00:00"),
    ]


def test_the_same_export_again_changes_nothing(export) -> None:
    file = export(LINE)
    run(file)
    assert run(file).output == "1 already recorded, nothing changed\n"
    assert len(recorded()) == 1


def test_standard_input_is_read_and_json_answered() -> None:
    done = run("-", "--json", input=json.dumps(LINE))
    assert json.loads(done.output) == {"created": 1}


def test_an_empty_export_is_nothing_to_record(export) -> None:
    done = run(export(b"", b"  "))
    assert (done.exit_code, done.output) == (0, "nothing to record\n")


WRONG = {
    "line: not JSON": b"{",
    "line: nested more than 64 levels deep": b"[" * 100_000,
    "not a JSON object": b"[]",
    "line: no such field: grain": {**LINE, "grain": "g"},
    "grain_id: missing": {k: v for k, v in LINE.items() if k != "grain_id"},
    "completed_at: missing": {**LINE, "completed_at": None},
    "completed_at: not an instant: yesterday": {**LINE, "completed_at": "yesterday"},
    "completed_at: not an instant: 7": {**LINE, "completed_at": 7},
    "completed_at: naive": {**LINE, "completed_at": "2026-01-31T12:00:00"},
    "grain_id: a character is not printable": {**LINE, "grain_id": "a\x00b"},
    "grain_id: not a string": {**LINE, "grain_id": 7},
    "origin": {**LINE, "origin": "elsewhere"},
    "external_user_id": {**LINE, "external_user_id": "a b"},
    "e-mail": {**LINE, "email": "nobody"},
}


@pytest.mark.parametrize("rule", WRONG)
def test_a_wrong_line_is_numbered_and_left_out(export, rule: str) -> None:
    done = run(export(LINE, WRONG[rule], {**LINE, "grain_id": "grain-2"}))
    assert done.exit_code == 2
    assert done.stdout == "2 recorded\n1 lines left out\n"
    assert done.stderr.startswith("line 2: ")
    assert rule in done.stderr
    assert len(recorded()) == 2


MORE = {**LINE, "grain_id": "leçon «œuvre» 2’", "module_id": "m"}


def as_text(*lines: object) -> str:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


NO_MARK = "without a byte order mark"
ENCODINGS = {
    "utf-8": (b"", "utf-8", ""),
    "utf-8 with mark": (b"\xef\xbb\xbf", "utf-8", "UTF-8 with a byte order mark"),
    "utf-16 little": (b"\xff\xfe", "utf-16-le", "UTF-16"),
    "utf-16 big": (b"\xfe\xff", "utf-16-be", "UTF-16"),
    "utf-16 little, no mark": (
        b"",
        "utf-16-le",
        "UTF-16 (little-endian, without a byte order mark)",
    ),
    "utf-16 big, no mark": (b"", "utf-16-be", "UTF-16 (big-endian, without a byte order mark)"),
    "utf-32": (b"\xff\xfe\0\0", "utf-32-le", "UTF-32"),
    "windows-1252": (b"", "cp1252", "Windows-1252 (Latin-1), since it is not UTF-8"),
}


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("through", ["file", "pipe"])
def test_a_file_is_read_in_its_own_encoding(
    tmp_path: Path, name: str, end: str, through: str
) -> None:
    mark, codec, said = ENCODINGS[name]
    content = mark + as_text(LINE, MORE).replace("\n", end).encode(codec)
    if through == "file":
        (tmp_path / "pending.jsonl").write_bytes(content)
        done, shown = run(str(tmp_path / "pending.jsonl")), f"{tmp_path}/pending.jsonl"
    else:
        done, shown = run("-", input=content), "<stdin>"
    assert (done.exit_code, done.stdout) == (0, "2 recorded\n"), done.stderr
    assert done.stderr == (f"{shown}: read as {said}\n" if said else "")
    assert {grain for grain, _ in recorded()} == {"grain-1", MORE["grain_id"]}


@pytest.mark.parametrize(
    ("codec", "around"),
    [
        ("utf-8", ("", "\0")),
        ("utf-8", ("", "\0" * 512)),
        ("utf-8", ("", "\x1a")),
        ("utf-8", ("\ufeff", "\n\ufeff")),
        ("utf-8", ("\n\r\n ", "\n\n")),
        ("utf-16-le", ("\n", "\0")),
        ("utf-16", ("", "\r\n\x1a")),
        ("cp1252", ("  ", "\0\n")),
    ],
)
def test_what_stands_around_the_text_is_no_line(
    tmp_path: Path, codec: str, around: tuple[str, str]
) -> None:
    file = tmp_path / "pending.jsonl"
    file.write_bytes((around[0] + as_text(MORE) + around[1]).encode(codec))
    done = run(str(file))
    assert (done.exit_code, done.stdout) == (0, "1 recorded\n"), done.stderr
    assert [grain for grain, _ in recorded()] == [MORE["grain_id"]]


ACCENTS, WINDOWS = as_text({**MORE, "grain_id": "é"}).encode(), as_text(MORE).encode("cp1252")
GREEK = as_text({**MORE, "grain_id": "μάθημα"}).encode()
PLAIN = as_text(LINE).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (PLAIN + ACCENTS + PLAIN + WINDOWS, "line 2 is UTF-8, and line 4 is not"),
        (PLAIN + WINDOWS + ACCENTS, "line 3 is UTF-8, and line 2 is not"),
        (WINDOWS + GREEK, "line 2 is UTF-8, and line 1 is not"),
        (PLAIN + ACCENTS[:-1] + WINDOWS, "line 2 is UTF-8 in a part alone"),
        (b"\xef\xbb\xbf" + WINDOWS, "line 1 is UTF-8 in a part alone"),
        (PLAIN + as_text(LINE, LINE).encode("utf-16-le"), "line 2 holds NULs, as UTF-16 does"),
        (
            PLAIN + as_text({**MORE, "grain_id": "é"}).encode("mac-roman")[:-1] + b"\x90\n",
            "neither",
        ),
        (as_text(LINE).encode("utf-16") + b"\n", "line 2 is no UTF-16"),
        (as_text(LINE).encode("utf-16-be") + b"\xd8\x00\x00x", "line 2 is no UTF-16"),
        (gzip.compress(PLAIN), "it is compressed: unpack it first"),
    ],
)
def test_a_mixed_file_is_refused_whole(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "pending.jsonl"
    file.write_bytes(content)
    done = run(str(file))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {file}: ")
    assert said in done.stderr
    assert done.stderr.endswith("; nothing was recorded\n")
    assert recorded() == []


@pytest.mark.parametrize("text", ["À L’UNITÉ !", "« terminé »", "ÇA VA…", "prêt – où ?"])
def test_french_of_windows_is_no_mixture(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pending.jsonl"
    file.write_bytes(as_text({**LINE, "grain_id": text}, MORE).encode("cp1252"))
    assert run(str(file)).stdout == "2 recorded\n"
    assert text in {grain for grain, _ in recorded()}


def test_what_the_store_refuses_is_told_by_number(export, monkeypatch) -> None:
    def refuse_the_first(bridge, completions):
        for number, _ in enumerate(list(completions)):  # it reads ahead
            yield Outcome.rejected("too\nlong") if number == 0 else Outcome("created")

    monkeypatch.setattr(Bridge, "record_many", refuse_the_first)
    done = run(export(b"", LINE, LINE, LINE))
    assert done.exit_code == 1
    assert done.stderr == "line 2: refused by the store: too long\n"
    assert "1 refused by the store" in done.stdout


def test_with_an_outbox_they_are_accepted(export, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PROGRESS_BRIDGE_OUTBOX_URL", f"sqlite:///{tmp_path}/outbox.db")
    assert run(export(LINE)).output == "1 accepted, to be delivered from the outbox\n"


def test_a_store_that_is_down_says_try_later(export, monkeypatch) -> None:
    monkeypatch.setenv("PROGRESS_BRIDGE_STORE_URL", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("PROGRESS_BRIDGE_STORE_TOKEN", "t")
    done = run(export(LINE))
    assert done.exit_code == 3
    assert done.stderr.startswith("Error: ")
