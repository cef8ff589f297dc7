"""A real Chromium without a window, driven by selenium."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from tests.servers.process import HeldPort, ServerError

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",  # Chromium refuses to sandbox itself as root
    "--disable-dev-shm-usage",  # a container's /dev/shm is too small for it
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)


def binary() -> str | None:
    """Return the browser's path, if there is one."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@contextlib.contextmanager
def browser(lang: str = "fr", width: int = 1280, height: int = 900) -> Iterator[Chrome]:
    """Open a browser with an empty profile, in a language, and close it at the end.

    The driver is the installed chromedriver: selenium is to download nothing.
    """
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    driver = shutil.which("chromedriver")
    if driver is None:
        raise ServerError("chromedriver is not installed")
    with (
        tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile,
        HeldPort() as port,
    ):
        options = ChromeOptions()
        options.binary_location = binary() or ""
        for flag in (*_FLAGS, f"--lang={lang}", f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"intl.accept_languages": lang})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        chrome = Chrome(options=options, service=ChromeService(driver, port.number))
        try:
            chrome.set_window_size(width, height)
            yield chrome
        finally:
            chrome.quit()
