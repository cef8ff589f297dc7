"""The main job: a click in a FunMooc course is one row in a real Directus 11 over PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.acceptance.page import Page
from tests.demo import people
from tests.demo.workbench import Workbench
from tests.servers.directus import Directus

ROWS = """
SELECT a.origin, a.external_user_id, p.grain_id, p.module_id, p.sequence_id, p.completed_at
  FROM apprenants a LEFT JOIN progress p ON p.apprenant_id = a.id
 WHERE a.external_user_id IN (%s, %s)
"""


class Base:
    """The data owner's PostgreSQL, looked at from behind Directus."""

    def __init__(self, url: str, student: str) -> None:
        self.url = url
        self.ids = (people.platform_id(student), people.course_id(student))

    def rows(self) -> list[dict[str, Any]]:
        """Return the student's rows under either id. A learner without progress is one too."""
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(ROWS, self.ids).fetchall()


@pytest.fixture
def base(directus_pg: Directus, student: str) -> Base:
    assert directus_pg.database_url
    return Base(directus_pg.database_url, student)


@pytest.fixture
def page(directus_pg: Directus, workbench: Workbench, page: Page) -> Page:
    """Give a learner's page on a platform that records into Directus by the bridge's token."""
    token = directus_pg.store_settings.token
    assert token
    workbench.configure({"store": {"url": directus_pg.url, "token": token.reveal()}})
    return page


def test_a_click_is_one_learner_and_row(page: Page, base: Base) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    page.open().click()
    assert "Votre progression est enregistrée." in page.wait_for("done")
    (row,) = base.rows()
    assert before <= row.pop("completed_at") <= datetime.now(UTC)
    assert row == {
        "origin": "funmooc",
        "external_user_id": base.ids[0],
        "grain_id": "grain-seul",
        "module_id": "module-plantes",
        "sequence_id": "sequence-3",
    }


def test_ten_clicks_and_reloads_are_one_row(page: Page, base: Base) -> None:
    page.open()
    page.script("for (let i = 0; i < 10; i++) document.querySelector('button').click()")
    page.wait_for("done")
    for _ in range(3):
        page.open().click()
    assert page.state == "done"
    assert len(base.rows()) == 1


def test_a_click_in_an_outage_arrives_later(page: Page, base: Base, directus_pg: Directus) -> None:
    page.open()
    directus_pg.kill()
    try:
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        assert "sera transmis automatiquement" in page.click().wait_for("pending")
        after = datetime.now(UTC)
        assert base.rows() == []
    finally:
        directus_pg.start()
    page.open()
    assert "Votre progression est enregistrée." in page.wait_for("done")
    (row,) = base.rows()
    assert before <= row["completed_at"] <= after


def test_a_refused_token_loses_no_click(
    page: Page, base: Base, directus_pg: Directus, workbench: Workbench
) -> None:
    right = {"store": {"url": directus_pg.url, "token": directus_pg.store_settings.token.reveal()}}
    workbench.configure({"store": {"url": directus_pg.url, "token": "wrong"}})
    message = page.open().click().wait_for("held")
    assert "il ne peut pas être enregistré pour le moment" in message
    workbench.configure(right)
    page.open().wait_for("done")
    assert len(base.rows()) == 1


def test_two_grains_are_one_learner_two_rows(page: Page, base: Base) -> None:
    page.open().click().wait_for("done")
    page.browser.get(f"{page.base}scenario/progress.0/?student={page.student}")
    page.click().wait_for("done")
    rows = base.rows()
    assert {row["external_user_id"] for row in rows} == {base.ids[0]}
    assert sorted(row["grain_id"] for row in rows) == ["grain-lumiere", "grain-seul"]
