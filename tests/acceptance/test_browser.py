"""A learner in front of the XBlock: a real Chromium, the workbench, a real store."""

from datetime import UTC, datetime

import pytest
from selenium.webdriver import ActionChains, Keys

from tests.acceptance.conftest import DOWN
from tests.demo import people

MONTHS = "janv févr mars avr mai juin juil août sept oct nov déc".split()  # noqa: SIM905

COUNT_CALLS = """
const call = window.fetch;
window.calls = 0;
window.fetch = (...words) => { window.calls += 1; return call(...words); };
"""
TEN_CLICKS = "for (let i = 0; i < 10; i++) document.querySelector('button').click()"


def test_a_recorded_click_outlives_a_reload(page, rows, failures):
    page.open()
    assert page.message.endswith("Pas encore terminé.")
    message = page.click().wait_for("done")
    assert "Votre progression est enregistrée." in message
    page.open()
    assert (page.state, page.message) == ("done", message)
    (row,) = rows()
    assert (row.grain_id, row.module_id, row.sequence_id) == (
        "grain-seul",
        "module-plantes",
        "sequence-3",
    )
    assert failures() == []


def test_the_day_is_said_in_the_learners_language(page, rows):
    page.open("en").click()
    message = page.wait_for("done")
    day = rows()[0].completed_at.astimezone()
    assert f"{day:%B} {day.day}, {day.year}" in message
    page.open("fr")
    assert f"Terminé le {day.day} {MONTHS[day.month - 1]}" in page.message


@pytest.mark.parametrize(
    ("language", "button", "state"),
    [("fr", "Marquer comme terminé", "Pas encore terminé."), ("en", "Mark as done", "Not done")],
)
def test_the_block_speaks_the_learners_language(page, language, button, state):
    page.open(language)
    assert page.button.text == button
    assert state in page.message


def test_ten_quick_clicks_make_one_row(page, rows):
    page.open()
    page.script(COUNT_CALLS + TEN_CLICKS)
    page.wait_for("done")
    for _ in range(3):
        page.click()
    assert page.state == "done"
    assert page.script("return window.calls") == 1
    assert len(rows()) == 1


@pytest.mark.parametrize("key", [Keys.ENTER, Keys.SPACE], ids=["enter", "space"])
def test_the_keyboard_is_enough_and_keeps_its_place(page, rows, key):
    page.open()
    page.script("document.querySelector('h1').tabIndex = -1; document.querySelector('h1').focus()")
    ActionChains(page.browser).send_keys(Keys.TAB, key).perform()
    page.wait_for("done")
    assert page.browser.switch_to.active_element == page.button
    assert len(rows()) == 1


def test_a_screen_reader_is_told_of_the_change(page):
    page.open()
    page.script(
        "window.heard = [];"
        "new MutationObserver(() => heard.push(document.querySelector('[role=status]').innerText))"
        ".observe(document.querySelector('[role=status]'), {subtree: true, childList: true})"
    )
    page.click().wait_for("done")
    heard = page.script("return heard")
    assert "Enregistrement…" in heard[0]
    assert "Terminé le" in heard[-1]


def test_a_learner_sees_their_own_state_only(page, rows):
    page.open().click().wait_for("done")
    page.student += "x"
    assert page.open().state == "none"
    assert len(rows()) == 1


def test_a_visitors_button_does_nothing(page, rows):
    page.student = people.VISITOR
    page.open()
    assert "Connectez-vous" in page.message
    assert page.button.get_attribute("aria-disabled") == "true"
    page.click()
    assert page.state == "blocked"


def test_after_an_outage_the_next_visit_sends(page, rows, workbench, sqlite):
    workbench.configure(DOWN)
    before = datetime.now(UTC)
    page.open().click()
    assert "sera transmis automatiquement" in page.wait_for("pending")
    after = datetime.now(UTC)
    assert page.button.text == "Transmettre maintenant"

    page.open()
    assert page.wait_for("pending")
    assert rows() == []

    workbench.configure(sqlite)
    page.open()
    assert "Votre progression est enregistrée." in page.wait_for("done")
    (row,) = rows()
    assert before.replace(microsecond=0) <= row.completed_at <= after


def test_what_is_pending_may_be_sent_by_hand(page, rows, workbench, sqlite):
    workbench.configure(DOWN)
    page.open().click().wait_for("pending")
    page.open()
    page.wait(lambda: page.button.get_attribute("aria-disabled") is None)
    workbench.configure(sqlite)
    page.click().wait_for("done")
    assert len(rows()) == 1


def test_after_a_lost_connection_a_click_works(page, rows):
    page.open()
    page.offline(True)
    try:
        assert "La connexion a été perdue" in page.click().wait_for("problem")
        assert page.button.get_attribute("aria-disabled") is None
        assert page.button.text == "Réessayer"
    finally:
        page.offline(False)
    page.click().wait_for("done")
    assert len(rows()) == 1


def test_an_expired_session_is_said(page, rows):
    page.open()
    page.browser.delete_cookie("csrftoken")
    assert "Votre session a expiré" in page.click().wait_for("problem")
    assert rows() == []
    page.open().click().wait_for("done")


ODD_ANSWERS = {
    "a page": "new Response('<html>Bad gateway</html>')",
    "a page of an error": "new Response('<html>Server error</html>', {status: 500})",
    "an error in JSON": "Response.json({message: 'no'}, {status: 500})",
    "another JSON": "Response.json({success: true})",
    "no object": "Response.json(null)",
    "nothing": "new Response('')",
}


@pytest.mark.parametrize("answer", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
def test_an_odd_answer_is_no_success(page, rows, answer):
    page.open()
    page.script(f"window.right = fetch; window.fetch = async () => {answer}")
    assert "La plateforme n’a pas répondu comme prévu" in page.click().wait_for("problem")
    assert (page.button.text, rows()) == ("Réessayer", [])
    page.script("window.fetch = window.right")
    page.click().wait_for("done")
    assert len(rows()) == 1


def test_a_lost_answer_records_nothing_twice(page, rows):
    page.open()
    page.script(
        "window.right = fetch;"
        "window.fetch = async (...words) => { await right(...words); throw new TypeError('cut') }"
    )
    page.click().wait_for("problem")
    (row,) = rows()
    page.script("window.fetch = window.right")
    page.click().wait_for("done")
    assert rows() == [row]


def test_what_is_done_is_not_retried(page):
    page.open()
    page.block("*/complete/*")
    try:
        page.click().wait_for("problem")
    finally:
        page.block()
    page.click().wait_for("done")
    page.script(COUNT_CALLS)
    page.click()
    assert (page.state, page.script("return window.calls")) == ("done", 0)


def test_two_blocks_do_not_disturb_each_other(page):
    page.scenario = 0
    page.open()
    first, second, third = page.browser.find_elements("css selector", ".grain-progress")
    second.find_element("tag name", "button").click()
    page.wait(lambda: second.get_attribute("data-state") == "done")
    assert {first.get_attribute("data-state"), third.get_attribute("data-state")} == {"none"}


@pytest.mark.parametrize("state", ["none", "done"])
def test_nothing_sticks_out_at_320_pixels(page, state):
    metrics = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": False}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        page.open()
        if state == "done":
            page.click().wait_for("done")
        assert page.script("return document.documentElement.scrollWidth") == 320
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
