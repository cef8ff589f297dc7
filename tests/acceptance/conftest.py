"""A browser in front of the workbench; each test is a learner of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bridge import Bridge, Progress, Settings
from tests.demo import people
from tests.demo.workbench import Workbench

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

    from tests.acceptance.page import Page

DOWN = {"store": {"url": "http://127.0.0.1:9", "token": "t"}}
"""A Directus that is not there: nobody listens on the discard port."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workbench")


@pytest.fixture(scope="session")
def running_workbench(folder: Path) -> Iterator[Workbench]:
    with Workbench(folder, {}) as server:
        yield server


@pytest.fixture
def sqlite(folder: Path) -> dict[str, Any]:
    """Return settings for the embedded store."""
    return {"store": {"url": f"sqlite:///{folder}/progress.db"}}


@pytest.fixture
def workbench(running_workbench: Workbench, sqlite: dict[str, Any]) -> Workbench:
    """Give the run's one workbench, recording into SQLite until the test says otherwise."""
    running_workbench.configure(sqlite)
    return running_workbench


@pytest.fixture
def store(sqlite: dict[str, Any]) -> Iterator[Bridge]:
    """Open the embedded store as it is seen from outside the LMS."""
    with Bridge.from_settings(Settings.from_mapping(sqlite)) as bridge:
        yield bridge


@pytest.fixture
def student() -> str:
    """Make up a learner whom no other test knows."""
    return uuid.uuid4().hex


@pytest.fixture
def rows(store: Bridge, student: str) -> Callable[[], list[Progress]]:
    """Give a function that returns what is recorded of the learner now."""
    return lambda: store.progress("funmooc", people.platform_id(student))


@pytest.fixture
def page(browser: Chrome, workbench: Workbench, student: str) -> Page:
    """Give the learner's view of a block, not opened yet."""
    from tests.acceptance.page import Page

    return Page(browser, workbench.url, student)


@pytest.fixture
def failures(browser: Chrome) -> Callable[[], list[str]]:
    """Give a function that returns what the browser's console complained of since the start."""
    browser.get_log("browser")
    return lambda: [entry["message"] for entry in browser.get_log("browser")]
