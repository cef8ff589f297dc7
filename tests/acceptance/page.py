"""What a learner sees of one block, and what they can do with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE: Final = 15
"""Seconds."""


class Page:
    """The demo's scenario of one grain, as one student sees it in one language."""

    def __init__(self, browser: Chrome, base: str, student: str) -> None:
        self.browser = browser
        self.base = base
        self.student = student

    def open(self, language: str = "fr") -> Page:
        """Load the page; a visit."""
        self.browser.get(f"{self.base}scenario/progress.1/?student={self.student}&lang={language}")
        return self

    @property
    def box(self) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, ".grain-progress")

    @property
    def button(self) -> WebElement:
        return self.box.find_element(By.TAG_NAME, "button")

    @property
    def state(self) -> str | None:
        return self.box.get_attribute("data-state")

    @property
    def message(self) -> str:
        return self.box.find_element(By.CSS_SELECTOR, "[role=status]").text

    def click(self) -> Page:
        self.button.click()
        return self

    def wait_for(self, state: str) -> str:
        """Wait for a state; the message that comes with it."""
        self.wait(lambda: self.state == state, f"the state is {self.state}, not {state}")
        return self.message

    def wait(self, condition: Callable[[], bool], otherwise: str = "") -> None:
        WebDriverWait(self.browser, PATIENCE, 0.05).until(lambda _: condition(), otherwise)

    def script(self, source: str) -> Any:
        return self.browser.execute_script(source)

    def offline(self, offline: bool) -> None:
        """Cut the browser's connection, or mend it."""
        self.browser.execute_cdp_cmd("Network.enable", {})
        conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.browser.execute_cdp_cmd(
            "Network.emulateNetworkConditions", {"offline": offline, **conditions}
        )
