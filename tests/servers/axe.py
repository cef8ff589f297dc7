"""axe-core: whether what a browser shows can be used by everybody (WCAG 2.1 A and AA, RGAA)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from tests.servers import CACHE

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

VERSION: Final = "4.14.1"
SCRIPT: Final = CACHE / "axe-core/node_modules/axe-core/axe.min.js"
"""Where `tests.servers.provision` installs it."""

RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice")

_RUN: Final = """
const [where, tags, without, done] = arguments;
const rules = Object.fromEntries(without.map(rule => [rule, {enabled: false}]));
axe.run(where || document, {runOnly: tags, rules, iframes: false})
  .then(done, error => done({error: String(error)}));
"""


def violations(browser: Chrome, where: str | None = None, without: Sequence[str] = ()) -> list[str]:
    """Return what axe-core finds in the page, a line for each element: the rule, and the element.

    Pages that it embeds are not looked into.

    Args:
        browser: it shows the page.
        where: a CSS selector of what to look at; None for the whole page.
        without: rules that are not asked: what the page around it decides.
    """
    if not browser.execute_script("return 'axe' in window"):
        browser.execute_script(SCRIPT.read_text(encoding="utf-8"))
    result: dict[str, Any] = browser.execute_async_script(_RUN, where, list(RULES), list(without))
    if "error" in result:
        raise AssertionError(result["error"])
    return [
        f"{rule['id']}: {rule['help']}: {node['html']}"
        for rule in result["violations"]
        for node in rule["nodes"]
    ]
