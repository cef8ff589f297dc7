"""Every link from one of the project's texts to another leads somewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.servers import ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def texts() -> list[Path]:
    """Return the Markdown files that git knows, or, outside a checkout, those that are there."""
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if not listed.returncode:
        return [ROOT / name for name in listed.stdout.splitlines()]
    hidden = re.compile(r"(^|/)\.")
    return [path for path in ROOT.rglob("*.md") if not hidden.search(str(path.relative_to(ROOT)))]


def anchors(text: str) -> set[str]:
    """Return what headings are linked to by: lower case, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ +(.+?) *$", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(text: Path) -> list[str]:
    """Return the links in this text that lead nowhere. Addresses of other sites are not asked."""
    found = []
    for link in LINK.findall(FENCED.sub("", text.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = text.parent / unquote(name) if name else text
        there = target.exists()
        if there and anchor:
            there = anchor in anchors(target.read_text(encoding="utf-8"))
        if not there:
            found.append(link)
    return found


@pytest.mark.parametrize("text", texts(), ids=lambda text: str(text.relative_to(ROOT)))
def test_every_link_leads_somewhere(text: Path) -> None:
    assert broken(text) == []


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# What's there?\n```sh\n# not a heading\n```\n")
    text = tmp_path / "text.md"
    links = ["gone.md", "there.md#gone", "there.md#not-a-heading"]
    right = ["there.md#whats-there", "https://example.org/gone", "."]
    text.write_text("".join(f"[a link]({link})\n" for link in [*links, *right]))
    assert broken(text) == links
