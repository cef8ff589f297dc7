"""The table of findings in the guide says what the code says, and all of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.servers import ROOT

GUIDE = ROOT / "bridge/cli/README.md"
ENOUGH = 10
"""Letters of a literal that tell one message from another."""


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Find where findings are made, and how."""
    for path in sorted((ROOT / "bridge").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Finding":
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def argument(call: ast.Call, name: str) -> ast.expr | None:
    return next((word.value for word in call.keywords if word.arg == name), None)


def pattern(text: ast.expr | None) -> str | None:
    """Return a literal as a regular expression, in which what is filled in may be anything."""
    if isinstance(text, ast.Constant) and isinstance(text.value, str):
        return re.escape(text.value)
    if isinstance(text, ast.JoinedStr):
        return "".join(pattern(part) or ".+" for part in text.values)
    return None


def is_bad(call: ast.Call) -> bool:
    ok = argument(call, "ok")
    return not (isinstance(ok, ast.Constant) and ok.value is True)


def messages() -> dict[str, str]:
    """Return the pattern of each message of what may be wrong, by where it stands.

    A message that is an error's own has no pattern: the error is told in its words.
    """
    found = ((where, pattern(argument(call, "message"))) for where, call in calls() if is_bad(call))
    return {where: text for where, text in found if text}


def literals() -> set[str]:
    """Return the patterns of all texts in the code that are long enough to be told apart."""
    found = set()
    for path in sorted((ROOT / "bridge").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = pattern(node) if isinstance(node, ast.JoinedStr | ast.Constant) else None
            if text and len(re.sub(r"\W", "", text.replace(".+", ""))) >= ENOUGH:
                found.add(text)
    return found


def rows() -> list[list[str]]:
    """Return the cells of each row of the table."""
    section = GUIDE.read_text(encoding="utf-8").partition("### Findings")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def said() -> list[str]:
    """Return what the table says that `check` says."""
    return [match[1] for row in rows() if (match := re.search(r"`([^`]+)`", row[1]))]


@pytest.mark.parametrize(("where", "text"), messages().items(), ids=list(messages()))
def test_each_finding_is_in_the_table(where: str, text: str) -> None:
    assert any(re.fullmatch(text, line) for line in said()), f"{where}: {text} is in no row"


def test_each_row_is_what_the_code_says() -> None:
    known = literals() | set(messages().values())
    stale = [line for line in said() if not any(re.search(text, line) for text in known)]
    assert stale == []


def test_each_row_tells_why_and_what_to_do() -> None:
    assert rows()
    for row in rows():
        assert len(row) == 4, row
        assert re.match(r"(FAIL|warn|FAIL or warn) ", row[1]), row
        assert all(row), row


def test_what_is_wrong_comes_with_a_remedy() -> None:
    lacking = [where for where, call in calls() if is_bad(call) and not argument(call, "remedy")]
    assert lacking == []


def test_a_warning_in_the_code_is_one_in_the_table() -> None:
    for where, call in calls():
        text = pattern(argument(call, "message"))
        fatal = argument(call, "fatal")
        if text and is_bad(call) and not (fatal and not isinstance(fatal, ast.Constant)):
            mark = "warn" if fatal else "FAIL"
            told = [row[1] for row in rows() if re.search(f"`{text}`", row[1])]
            assert any(mark in line.partition("`")[0] for line in told), (where, told)
