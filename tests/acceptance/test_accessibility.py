"""Whoever looks at the block, however: WCAG 2.1 AA and RGAA, in a real Chromium."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.page import Page
from tests.acceptance.situations import STATES, Situations
from tests.demo.workbench import Workbench
from tests.servers import axe
from tests.servers.need import need

OURS: Final = ".grain-progress, .grain-progress-preview, .grain-progress-form"
AROUND: Final = ("heading-order",)
"""What the page around the block decides: in a course, the unit's title is above the block's."""


@pytest.fixture
def bring(page: Page, workbench: Workbench, folder: Path) -> Callable[[str, str], Page]:
    situations = Situations(page, workbench, folder)

    def to(state: str, language: str = "fr") -> Page:
        getattr(situations, state)(language)
        return page

    return to


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("state", STATES)
def test_axe_core_finds_nothing(bring, state, language):
    need("axe-core")
    page = bring(state, language)
    assert axe.violations(page.browser, OURS, AROUND) == []


def test_axe_core_would_find_something(bring):
    need("axe-core")
    page = bring("none")
    page.script("document.querySelector('.grain-progress__message').style.color = '#ddd'")
    (found,) = axe.violations(page.browser, OURS, AROUND)
    assert found.startswith("color-contrast")


@pytest.mark.parametrize("state", STATES)
def test_nothing_sticks_out_at_320_pixels(bring, page, state):
    """Which is also what 1,280 pixels at 400 % leave (WCAG 1.4.10), and 640 at 200 %."""
    with page.media(width=320):
        bring(state)
        wide = page.script("return document.documentElement.scrollWidth")
        assert wide <= page.script("return window.innerWidth")
        assert page.script(STICKING_OUT) == []


STICKING_OUT = """
return [...document.querySelectorAll(".grain-progress *")]
  .filter(one => one.getBoundingClientRect().right > window.innerWidth)
  .map(one => one.outerHTML);
"""


def test_text_at_twice_its_size_is_not_cut(bring, page):
    bring("own_texts")
    page.script("document.documentElement.style.fontSize = '200%'")
    cut = page.script(
        "return [...document.querySelectorAll('.grain-progress *')]"
        ".filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)"
        ".map(one => one.outerHTML)"
    )
    assert cut == []


SIGNS = {
    "none": "",
    "sending": "…",
    "accepted": "✓",
    "done": "✓",
    "pending": "↻",
    "held": "↻",
    "refused": "!",
    "problem": "!",
    "blocked": "i",
}


@pytest.mark.parametrize("state", SIGNS)
def test_each_state_shows_without_colour(bring, page, state):
    with page.media(forced_colors="active"):
        bring(state)
        sign, ink, ground = page.script(
            "const sign = document.querySelector('.grain-progress__sign');"
            "const of = getComputedStyle(sign);"
            "return [getComputedStyle(sign, '::before').content, of.color, of.backgroundColor]"
        )
    assert sign == f'"{SIGNS[state]}"'
    assert ink != ground


@pytest.mark.parametrize(("wish", "seconds"), [("reduce", "0s"), ("no-preference", "0.2s")])
def test_who_asks_for_less_motion_gets_none(bring, page, wish, seconds):
    with page.media(prefers_reduced_motion=wish):
        bring("none")
        box = "getComputedStyle(document.querySelector('.grain-progress'))"
        durations = set(page.script(f"return {box}.transitionDuration").split(", "))
    assert durations == {seconds}


@pytest.mark.parametrize("state", ["none", "pending", "held", "refused", "problem"])
def test_the_keyboard_reaches_the_button_visibly(bring, state):
    page = bring(state)
    page.script("document.activeElement.blur()")
    page.tab_to(page.button)
    outline = page.script("return getComputedStyle(arguments[0]).outlineStyle", page.button)
    assert outline == "solid"
