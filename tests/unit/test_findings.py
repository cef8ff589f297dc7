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
    """Return the cells of each row of the tables."""
    section = GUIDE.read_text(encoding="utf-8").partition("### Findings")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if not row[-1].startswith("--") and "`" in "".join(row)]


def said(row: list[str]) -> list[str]:
    """Return what a row says that `check` says. ``…`` stands for what is filled in or left out."""
    return re.findall(r"`([^`]+)`", row[-3])


def tells(line: str, text: str) -> bool:
    """Return whether a line of the table is this message of the code."""
    shown = ".+".join(map(re.escape, line.split("…")))
    return bool(re.fullmatch(text, line) or re.match(shown, unescaped(text)))


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text.replace(".+", "…"))


@pytest.mark.parametrize(("where", "text"), messages().items(), ids=list(messages()))
def test_each_finding_is_in_the_table(where: str, text: str) -> None:
    lines = [line for row in rows() for line in said(row)]
    assert any(tells(line, text) for line in lines), f"{where}: {text} is in no row"


def test_each_row_is_what_the_code_says() -> None:
    known = literals() | set(messages().values())
    code = "\n".join(map(unescaped, known))
    stale = [
        line
        for row in rows()
        for line in said(row)
        if not any(re.search(text, line) for text in known)
        and not re.search(".+".join(map(re.escape, line.split("…"))), code)
    ]
    assert stale == []


def test_each_row_tells_why_and_what_to_do() -> None:
    assert rows()
    assert [row for row in rows() if len(row) not in (3, 4) or not all(row[-3:-1])] == []


def test_what_is_wrong_comes_with_a_remedy() -> None:
    lacking = [where for where, call in calls() if is_bad(call) and not argument(call, "remedy")]
    assert lacking == []


def test_a_warning_in_the_code_is_one_in_the_table() -> None:
    for where, call in calls():
        text, fatal = pattern(argument(call, "message")), argument(call, "fatal")
        if text and is_bad(call) and isinstance(fatal, ast.Constant) and not fatal.value:
            told = [row[-3] for row in rows() if any(tells(line, text) for line in said(row))]
            assert any("warn" in cell for cell in told), (where, told)
