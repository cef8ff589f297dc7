"""The Makefile: what a new user sees first."""

from __future__ import annotations

import os
import re
import subprocess

from tests.servers import ROOT


def make(*arguments: str) -> str:
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")  # of the `make test` that may have started us
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_make_alone_lists_every_target_with_a_line() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert targets
    listed = dict(re.findall(r"^make ([\w-]+) +(\w.*)$", make(), re.MULTILINE))
    assert sorted(listed) == sorted(targets[1].split())


def test_the_demo_on_sqlite_installs_no_directus() -> None:
    assert "directus" not in make("-n", "run")
    assert "provision directus-11.17.4" in make("-n", "run", "STORE=directus")
