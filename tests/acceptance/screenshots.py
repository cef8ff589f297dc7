"""The pictures of the author's guide: ``python -m tests.acceptance.screenshots``.

They are written into ``progress_xblock/docs``, which the guide shows; the tests only check that
they are there.
"""

from __future__ import annotations

import base64
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Final

from selenium.webdriver import Chrome

import progress_xblock
from tests.acceptance.page import Page
from tests.acceptance.situations import Situations
from tests.demo.workbench import Workbench
from tests.servers import chromium

DOCS: Final = Path(progress_xblock.__file__).with_name("docs")
MARGIN: Final = 12
"""CSS pixels around what is shown."""

PICTURES: Final = {
    "formulaire": ("studio", ".grain-progress-form", 760),
    "apercu": ("author", ".grain-progress-preview", 760),
    "a-faire": ("none", ".grain-progress", 640),
    "a-l-ecran": ("seen", ".grain-progress", 640),
    "page-integree": ("embedded", ".grain-progress", 640),
    "termine": ("own_texts", ".grain-progress", 640),
    "en-attente": ("pending", ".grain-progress", 640),
    "telephone": ("none", ".grain-progress", 320),
}
"""By name: the situation, what is shown of it, and the window's width in CSS pixels."""


def shoot(browser: Chrome, selector: str, path: Path) -> None:
    """Take a picture of one element with a margin, as a PNG."""
    box = browser.execute_script(
        "document.documentElement.style.overflow = 'hidden';"  # no scroll bar in the picture
        "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
        "return [box.x + scrollX, box.y + scrollY, box.width, box.height]",
        selector,
    )
    x, y, width, height = box
    clip = {
        "x": x - MARGIN,
        "y": y - MARGIN,
        "width": width + 2 * MARGIN,
        "height": height + 2 * MARGIN,
        "scale": 1,
    }
    shot = browser.execute_cdp_cmd(
        "Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True}
    )
    path.write_bytes(base64.b64decode(shot["data"]))


def main() -> int:
    """Write all of them, in French."""
    DOCS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, chromium.browser("fr") as browser:
        folder = Path(name)
        with Workbench(folder, {}) as workbench:
            for picture, (situation, selector, width) in PICTURES.items():
                page = Page(browser, workbench.url, uuid.uuid4().hex)
                situations = Situations(page, workbench, folder)
                workbench.configure(situations.settings)
                with page.media(width=width):
                    getattr(situations, situation)("fr")
                    page.script("document.activeElement.blur()")
                    shoot(browser, selector, DOCS / f"{picture}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
