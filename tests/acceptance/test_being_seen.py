"""A grain that is completed by being seen: a real Chromium, the workbench."""

import pytest
from selenium.webdriver.common.by import By

from tests.acceptance.conftest import DOWN
from tests.demo import people

AWAY = "document.querySelector('main').style.paddingTop = '5000px'"
BACK = "document.querySelector('main').style.paddingTop = ''"
LATER = """
const done = arguments[1];
setTimeout(done, arguments[0]);
"""
WATCH = """
window.values = [];
const bar = document.querySelector('progress');
new MutationObserver(() => values.push(bar.value)).observe(bar, {attributeFilter: ['value']});
"""
NEEDED = 3
"""Seconds, as the demo's course has it."""


@pytest.fixture
def page(page):
    page.scenario = 2
    return page


def seen(page):
    """Return the whole seconds that the bar tells."""
    return float(page.script("return document.querySelector('progress').value"))


def let_pass(page, seconds):
    """Wait for so much of the browser's own time."""
    page.browser.execute_async_script(LATER, 1000 * seconds)


def test_it_completes_after_its_seconds(page, rows):
    page.open()
    assert "après 3 s à l’écran" in page.message
    began = page.script("return performance.now()")
    page.wait(lambda: page.state != "none")
    assert page.script("return performance.now()") - began > (NEEDED - 1) * 1000
    assert "Votre progression est enregistrée." in page.wait_for("done")
    assert [row.grain_id for row in rows()] == ["grain-carbone"]
    assert not page.box.find_element(By.TAG_NAME, "progress").is_displayed()


def test_only_time_on_screen_adds_up(page, rows):
    page.open()
    page.wait(lambda: seen(page) >= 1)
    page.script(AWAY)
    let_pass(page, 0.5)  # what was under way when it left is counted by now
    before = seen(page)
    let_pass(page, NEEDED)
    assert (seen(page), page.state, rows()) == (before, "none", [])
    page.script(WATCH)
    page.script(BACK)
    page.wait_for("done")
    assert min(page.script("return values")) >= before


def test_a_hidden_tab_completes_nothing(page, rows):
    page.open()
    own = page.browser.current_window_handle
    page.browser.switch_to.new_window("tab")
    other = page.browser.current_window_handle
    try:
        let_pass(page, NEEDED + 1)
        page.browser.switch_to.window(own)
        assert (page.script("return document.visibilityState"), rows()) == ("visible", [])
        assert page.state == "none"
        page.wait_for("done")
    finally:
        page.browser.switch_to.window(other)
        page.browser.close()
        page.browser.switch_to.window(own)


def test_the_button_completes_it_at_once(page, rows):
    page.open()
    page.click().wait_for("done")
    let_pass(page, NEEDED + 0.5)
    assert len(rows()) == 1


def test_being_seen_resends_nothing(page, workbench):
    workbench.configure(DOWN)
    page.open()
    page.script(
        "const call = fetch; window.calls = 0;"
        "window.fetch = (...words) => { calls += 1; return call(...words) }"
    )
    page.click().wait_for("pending")
    let_pass(page, NEEDED + 0.5)
    assert page.script("return calls") == 1


def test_the_bar_is_named_and_silent(page):
    page.open()
    bar = page.box.find_element(By.TAG_NAME, "progress")
    assert bar.accessible_name == "Temps à l’écran"
    assert page.script("return document.querySelector('progress').closest('[role=status]')") is None
    assert page.script("return document.querySelector('progress').max") == NEEDED


def test_a_grain_that_is_done_measures_nothing_more(page):
    page.open().click().wait_for("done")
    page.open()
    assert not page.box.find_element(By.TAG_NAME, "progress").is_displayed()
    let_pass(page, 0.6)
    assert seen(page) == 0


def test_a_visitors_time_is_not_measured(page):
    page.student = people.VISITOR
    page.open()
    assert page.state == "blocked"
    assert not page.box.find_element(By.TAG_NAME, "progress").is_displayed()


def test_after_a_lost_connection_the_button_tries_again(page, rows):
    page.open()
    page.offline(True)
    try:
        assert "La connexion a été perdue" in page.wait_for("problem")
    finally:
        page.offline(False)
    assert page.button.text == "Réessayer"
    page.click().wait_for("done")
    assert len(rows()) == 1
