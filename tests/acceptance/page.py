"""What a learner sees of one block, and what they can do with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE: Final = 60
"""Seconds."""


class Page:
    """One block of the demo, as one student sees it in one language.

    Attributes:
        scenario: its number in the demo's course; one grain by default.
        view: the block's view; ``student_view`` by default.
    """

    scenario = 1
    view = ""

    def __init__(self, browser: Chrome, base: str, student: str) -> None:
        self.browser = browser
        self.base = base
        self.student = student

    def open(self, language: str = "fr") -> Page:
        """Load the page, as a visit does."""
        block = f"{self.base}scenario/progress.{self.scenario}/"
        view = f"{self.view}/" if self.view else ""
        self.browser.get(f"{block}{view}?student={self.student}&lang={language}")
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

    def tab_to(self, wanted: WebElement) -> None:
        """Press Tab until the element has the focus."""
        for _ in range(20):
            ActionChains(self.browser).send_keys(Keys.TAB).perform()
            if self.browser.switch_to.active_element == wanted:
                return
        raise AssertionError("the keyboard does not reach it")

    def click(self) -> Page:
        self.button.click()
        return self

    def wait_for(self, state: str) -> str:
        """Wait for a state, and return the message that comes with it."""
        self.wait(lambda: self.state == state, f"the state is {self.state}, not {state}")
        return self.message

    def wait(self, condition: Callable[[], bool], otherwise: str = "") -> None:
        WebDriverWait(self.browser, PATIENCE, 0.05).until(lambda _: condition(), otherwise)

    def script(self, source: str, *arguments: object) -> Any:
        return self.browser.execute_script(source, *arguments)

    @contextmanager
    def media(self, width: int = 1280, **features: str) -> Iterator[None]:
        """Set a window of this width in CSS pixels, whose user prefers these media features."""
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        wanted = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})
        try:
            yield
        finally:
            self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
            self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def offline(self, offline: bool) -> None:
        """Cut the browser's connection, or mend it."""
        self.browser.execute_cdp_cmd("Network.enable", {})
        conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.browser.execute_cdp_cmd(
            "Network.emulateNetworkConditions", {"offline": offline, **conditions}
        )

    def block(self, *urls: str) -> None:
        """Let no request to these URLs through, or all through again where none is given."""
        self.browser.execute_cdp_cmd("Network.enable", {})
        self.browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": list(urls)})
