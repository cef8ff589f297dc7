"""The states that a learner's page can be in, each brought about by what would bring it there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.acceptance.conftest import DOWN
from tests.acceptance.mini_site import site
from tests.acceptance.page import Page
from tests.demo import people
from tests.demo.workbench import Workbench

REFUSE: Final = """
CREATE TRIGGER refuse BEFORE INSERT ON progress WHEN NEW.grain_id = 'grain-seul'
BEGIN SELECT RAISE(ABORT, 'a rule of the data owner'); END
"""


class Situations:
    """Brings a learner's page to each of its states, by what would bring it there."""

    def __init__(self, page: Page, workbench: Workbench, folder: Path) -> None:
        self.page = page
        self.workbench = workbench
        self.folder = folder
        self.settings = {"store": {"url": f"sqlite:///{folder}/progress.db"}}

    def none(self, language: str) -> None:
        self.page.open(language)

    def sending(self, language: str) -> None:
        self.page.open(language)
        self.page.script("window.fetch = () => new Promise(() => {})")
        self.page.click().wait_for("sending")

    def done(self, language: str) -> None:
        self._click(language, "done")

    def accepted(self, language: str) -> None:
        outbox = {"url": f"sqlite:///{self.folder}/outbox.db"}
        self.workbench.configure({**self.settings, "outbox": outbox})
        self._click(language, "accepted")

    def pending(self, language: str) -> None:
        self.workbench.configure(DOWN)
        self._click(language, "pending")

    def held(self, language: str) -> None:
        self.workbench.configure({**self.settings, "no_such": "setting"})
        self._click(language, "held")

    def refused(self, language: str) -> None:
        self._click(language, "done")  # which makes the tables
        self.page.student += "x"
        with closing(sqlite3.connect(self.folder / "progress.db")) as base:
            base.execute(REFUSE)
            try:
                self._click(language, "refused")
            finally:
                base.execute("DROP TRIGGER refuse")

    def problem(self, language: str) -> None:
        self.page.open(language)
        self.page.block("*/complete/*")
        try:
            self.page.click().wait_for("problem")
        finally:
            self.page.block()

    def blocked(self, language: str) -> None:
        self.page.student = people.VISITOR
        self.page.open(language)

    def seen(self, language: str) -> None:
        self.page.scenario = 2
        self.page.open(language)

    def embedded(self, language: str) -> None:
        self.page.scenario = 3
        with site() as mini:
            self.workbench.configure({**self.settings, "mini_site": mini.url})
            self.page.open(language)
            self.page.wait(lambda: bool(mini.asked))

    def own_texts(self, language: str) -> None:
        self.page.scenario = 4
        self._click(language, "done")

    def author(self, language: str) -> None:
        self.page.scenario, self.page.view = 4, "author_view"
        self.page.open(language)

    def public(self, language: str) -> None:
        self.page.view = "public_view"
        self.page.open(language)

    def studio(self, language: str) -> None:
        self.page.view = "studio_view"
        self.page.open(language)

    def _click(self, language: str, state: str) -> None:
        self.page.open(language).click().wait_for(state)


STATES: Final = [name for name in vars(Situations) if not name.startswith("_")]
