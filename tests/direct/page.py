"""A bare page with `bridge.js`, and what a test can do in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from selenium.webdriver import Chrome
from selenium.webdriver.support.wait import WebDriverWait

from tests.servers import ROOT
from tests.servers.pages import serving

PATIENCE: Final = 60
"""Seconds to wait for what a page does."""

EXAMPLE: Final = Path(__file__).with_name("static_page.html")

_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>A page</title>
<script type="module">
  import { BridgeError, ProgressBridge } from "SERVICE/bridge.js";
  const options = JSON.parse(new URLSearchParams(location.search).get("options") ?? "{}");
  window.BridgeError = BridgeError;
  window.bridge = new ProgressBridge(options);
</script>
"""
_FRAME: Final = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>A course</title>
<script>
  window.heard = [];
  addEventListener("message", (event) => {
    heard.push(event.data);
    if (event.data.type === "progress-bridge:renew" && window.fresh) {
      event.source.postMessage({ type: "progress-bridge:token", token: window.fresh }, "*");
    }
  });
</script>
<iframe title="The page" src="about:blank"></iframe>
"""

_AWAIT: Final = """
const done = arguments[arguments.length - 1];
(async (...words) => { %s })(...[...arguments].slice(0, -1)).then(
  (value) => done({ value }),
  (error) => done({ error: error.kind ?? "bug", message: String(error) }),
);
"""


def readme() -> str:
    """Return the HTML of the README's quick start, in a page."""
    (block,) = re.findall(r"```html\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return f"<!DOCTYPE html><meta charset='utf-8'><title>README</title>{block}"


class Refused(Exception):
    """What the page's promise was rejected with; `kind` is the `BridgeError`'s."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


@dataclass
class PageSite:
    """A site of pages with `bridge.js`.

    ``/`` is a bare one, ``/course`` embeds it, ``/example`` is what the guide quotes, and
    ``/readme`` what the README does.

    Attributes:
        url: its origin.
        service: where `bridge.js` comes from; set once it runs.
    """

    url: str
    service: str = ""


@contextmanager
def page_site() -> Iterator[PageSite]:
    def page(asked: str) -> str:
        pages = {"/course": _FRAME, "/example": EXAMPLE.read_text(), "/readme": readme()}
        found = pages.get(urlsplit(asked).path, _PAGE).replace("SERVICE", here.service)
        return found.replace("https://bridge.example.org", here.service)

    with serving(page) as url:
        here = PageSite(url)
        yield here


class Page:
    """The page in one browser."""

    def __init__(self, browser: Chrome, site: PageSite) -> None:
        self.browser = browser
        self.site = site
        self._home = browser.current_window_handle

    def open(self, token: str | None = None, options: str = "{}") -> Page:
        """Load the page, anew even where only the fragment is another."""
        self.browser.get("about:blank")
        fragment = f"#token={token}" if token else ""
        self.browser.get(f"{self.site.url}/?options={options}{fragment}")
        self.wait(lambda: self.script("return Boolean(window.bridge)"), "bridge.js was not loaded")
        return self

    def complete(self, grain: str, **where: str) -> str:
        return str(self.run("return bridge.complete(words[0], words[1])", grain, where))

    def progress(self) -> list[dict[str, Any]]:
        return list(self.run("return bridge.progress()"))

    @property
    def state(self) -> str:
        return str(self.script("return bridge.state"))

    @property
    def waiting(self) -> list[str]:
        return list(self.script("return bridge.waiting.map((grain) => grain.grain_id)"))

    @property
    def kept(self) -> list[str]:
        """Return the names of all that is stored in the browser."""
        return list(
            self.script("return [...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
        )

    def run(self, source: str, *words: Any) -> Any:
        """Run an asynchronous script, and return what it comes to.

        Raises:
            Refused: its promise was rejected.
        """
        answer = self.browser.execute_async_script(_AWAIT % source, *words)
        if "error" in answer:
            raise Refused(answer["error"], answer["message"])
        return answer.get("value")

    def script(self, source: str, *words: Any) -> Any:
        return self.browser.execute_script(source, *words)

    def wait(self, condition: Callable[[], Any], otherwise: str = "") -> None:
        WebDriverWait(self.browser, PATIENCE, 0.05).until(lambda _: condition(), otherwise)

    def offline(self, offline: bool) -> None:
        """Cut this tab's connection, or mend it."""
        self.browser.execute_cdp_cmd("Network.enable", {})
        conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.browser.execute_cdp_cmd(
            "Network.emulateNetworkConditions", {"offline": offline, **conditions}
        )

    def forget(self) -> None:
        """Make the browser one that was never on the site."""
        self.browser.get("about:blank")
        self.browser.execute_cdp_cmd(
            "Storage.clearDataForOrigin", {"origin": self.site.url, "storageTypes": "all"}
        )
        self.browser.get(f"{self.site.url}/course")
        self.script("sessionStorage.clear()")

    def another_tab(self) -> None:
        self.browser.switch_to.new_window("tab")

    def close_others(self) -> None:
        for handle in self.browser.window_handles:
            if handle != self._home:
                self.browser.switch_to.window(handle)
                self.browser.close()
        self.browser.switch_to.window(self._home)
