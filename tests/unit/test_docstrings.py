"""The first line of a function's docstring says what the function does: verb first, one thought.

That the verb is in the imperative is ruff's D401. It takes any word it does not know for a verb, so
the words that stand where one is missing are listed here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.servers import ROOT

NO_VERBS = """
    a an the this that these those it its they them their he his she her we our you your
    who whom whose what which when where why how whether if unless
    no not nothing none nobody all any each every some one two most more
    of in on at by for from to with without as like until since while after before under over
    and or but so then there here now only never always true false
"""


def first_lines() -> Iterator[tuple[str, str]]:
    """Find the functions that have a docstring: where they are, and its first line."""
    for top in ("bridge", "progress_xblock"):
        for path in sorted((ROOT / top).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    docstring = ast.get_docstring(node)
                    if docstring:
                        line = docstring.partition("\n")[0]
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", line


def faults(line: str) -> list[str]:
    word = line.partition(" ")[0].rstrip(".,:")
    found = []
    if not word.isalpha() or not word.istitle() or word.lower() in NO_VERBS.split():
        found.append("begins with no verb")
    if ";" in line:
        found.append("holds a semicolon")
    if not line.endswith("."):
        found.append("does not end with a full stop")
    return found


def test_first_lines_say_what_is_done() -> None:
    wrong = [f"{where} {fault}: {line}" for where, line in first_lines() for fault in faults(line)]
    assert wrong == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("The learner's row.", "begins with no verb"),
        ("``time level logger``.", "begins with no verb"),
        ("return the row.", "begins with no verb"),
        ("Return the row; None when there is none.", "holds a semicolon"),
        ("Return the row", "does not end with a full stop"),
    ],
)
def test_a_fault_is_noticed(line: str, fault: str) -> None:
    assert faults(line) == [fault]
