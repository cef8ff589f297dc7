"""A grain that its embedded page completes: a real Chromium, the workbench, two other origins."""

import pytest
from selenium.webdriver.common.by import By

from bridge import Identity
from bridge.config import token_settings
from bridge.tokens import Tokens
from tests.acceptance.mini_site import site
from tests.demo import people

GRAIN = "grain-eau"
COMPLETE = {"type": "progress-bridge:complete", "grain_id": GRAIN}
TOKENS = {"keys": [{"id": "2026-11", "secret": "k" * 32}]}
ADD_FRAME = """
const [url, done] = arguments;
const frame = document.createElement("iframe");
frame.id = "other";
frame.onload = () => done();
frame.src = url;
document.body.append(frame);
"""


@pytest.fixture(scope="module")
def mini():
    with site() as here:
        yield here


@pytest.fixture
def elsewhere():
    with site() as there:
        yield there


@pytest.fixture
def settings(workbench, sqlite, mini):
    """Return the platform's settings, which a test may change."""
    settings = {**sqlite, "mini_site": mini.url, "tokens": TOKENS}
    workbench.configure(settings)
    mini.asked.clear()
    return settings


@pytest.fixture
def page(settings, page):
    page.scenario = 3
    return page


def loaded(page):
    """Return the block's frame, once its page is there."""
    page.wait(lambda: page.box.find_elements(By.TAG_NAME, "iframe"), "no page was embedded")
    frame = page.box.find_element(By.TAG_NAME, "iframe")
    inside(page, frame, "return true")
    return frame


def inside(page, frame, source, *arguments):
    """Run a script in the frame's page, once that has run its own."""
    page.browser.switch_to.frame(frame)
    try:
        page.wait(lambda: page.script("return typeof say === 'function'"))
        return page.script(source, *arguments)
    finally:
        page.browser.switch_to.default_content()


def say(page, frame, data):
    inside(page, frame, "say(arguments[0])", data)


def token_of(frame):
    return Tokens(token_settings(TOKENS)).read(frame.get_attribute("src").split("#token=")[1])


def test_the_token_is_for_learner_and_grain(page, student, mini):
    page.open()
    token = token_of(loaded(page))
    assert token.identity == Identity("funmooc", people.platform_id(student))
    assert token.grains == {GRAIN}
    assert mini.asked == ["/demo/"]


def test_the_units_page_holds_no_token(page, settings):
    page.open()
    loaded(page)
    page.script(
        "fetch(location.href).then(answer => answer.text()).then(text => { window.unit = text })"
    )
    page.wait(lambda: page.script("return window.unit"))
    unit = page.script("return window.unit")
    assert "grain-progress" in unit
    assert "eyJ" not in unit  # what every JWT begins with


def test_a_report_is_recorded_and_answered(page, rows):
    page.open()
    assert "Terminez l’activité ci-dessus" in page.message
    assert not page.button.is_displayed()
    frame = loaded(page)
    page.browser.switch_to.frame(frame)
    page.browser.find_element(By.TAG_NAME, "button").click()
    page.browser.switch_to.default_content()
    assert "Votre progression est enregistrée." in page.wait_for("done")
    assert [row.grain_id for row in rows()] == [GRAIN]
    heard = [
        message["state"]
        for message in inside(page, frame, "return heard")
        if message["type"] == "progress-bridge:state"
    ]
    assert (heard[0], heard[-1]) == ("none", "done")


def test_repeated_reports_are_sent_once(page, rows):
    page.open()
    frame = loaded(page)
    page.script(
        "const call = fetch; window.calls = 0;"
        "window.fetch = (...words) => { calls += 1; return call(...words) }"
    )
    inside(page, frame, "for (let i = 0; i < 5; i += 1) say(arguments[0])", COMPLETE)
    page.wait_for("done")
    say(page, frame, COMPLETE)
    say(page, frame, {"type": "progress-bridge:renew"})
    page.wait(lambda: inside(page, frame, "return heard.at(-1).token"), "no token came")
    assert page.script("return calls") == 2  # the completion, and the token
    assert len(rows()) == 1


@pytest.mark.parametrize(
    "data",
    [
        {**COMPLETE, "grain_id": "grain-chlorophylle"},
        {**COMPLETE, "grain_id": None},
        {"type": "complete", "grain_id": GRAIN},
        "progress-bridge:complete",
        None,
        [1, 2],
    ],
    ids=["another grain", "no grain", "another type", "a text", "nothing", "a list"],
)
def test_other_messages_are_not_heeded(page, rows, data, failures):
    page.open()
    frame = loaded(page)
    say(page, frame, data)
    say(page, frame, {"type": "progress-bridge:renew"})
    page.wait(lambda: inside(page, frame, "return heard.at(-1).token"), "no token came")
    assert page.state == "none"
    assert rows() == []
    assert failures() == []


@pytest.mark.parametrize("whose", ["elsewhere", "mini"])
def test_only_the_blocks_own_frame_is_listened_to(page, rows, request, whose):
    """Neither another site's, nor even another frame of the same site."""
    page.open()
    own = loaded(page)
    url = request.getfixturevalue(whose).url
    page.browser.execute_async_script(ADD_FRAME, url)
    other = page.browser.find_element(By.ID, "other")
    say(page, other, COMPLETE)
    say(page, own, {"type": "progress-bridge:renew"})
    page.wait(lambda: inside(page, own, "return heard.at(-1).token"), "no token came")
    assert page.state == "none"
    assert rows() == []
    say(page, own, COMPLETE)
    page.wait_for("done")


def test_a_page_that_left_is_not_heeded(page, rows, elsewhere):
    page.open()
    frame = loaded(page)
    inside(page, frame, "location.href = arguments[0]", elsewhere.url)
    page.wait(lambda: elsewhere.asked, "it did not go")
    say(page, frame, {"type": "progress-bridge:renew"})
    say(page, frame, COMPLETE)
    page.script("window.ping = 0; addEventListener('message', () => { window.ping += 1 })")
    say(page, frame, COMPLETE)
    page.wait(lambda: page.script("return window.ping") == 1)
    assert page.state == "none"
    assert rows() == []
    assert inside(page, frame, "return heard") == []


HOLD = """
const call = window.fetch;
window.held = 0;
window.answered = false;
window.fetch = async (...words) => {
  window.held += 1;
  await new Promise((go) => { window.release = go });
  const answer = await call(...words);
  const json = answer.json.bind(answer);
  answer.json = async () => {
    const body = await json();
    setTimeout(() => { window.answered = true });
    return body;
  };
  return answer;
};
"""


def test_a_late_token_is_not_told_elsewhere(page, elsewhere):
    page.open()
    frame = loaded(page)
    page.script(HOLD)
    say(page, frame, {"type": "progress-bridge:renew"})
    page.wait(lambda: page.script("return held"), "no token was asked for")
    inside(page, frame, "location.href = arguments[0]", elsewhere.url)
    page.wait(lambda: elsewhere.asked, "it did not go")
    inside(page, frame, "return true")
    page.script("release()")
    page.wait(lambda: page.script("return answered"), "no token came")
    page.script("document.querySelector('iframe').contentWindow.postMessage('last', '*')")
    page.wait(lambda: inside(page, frame, "return heard").count("last"))
    assert inside(page, frame, "return heard") == ["last"]


def test_a_page_may_ask_for_a_token(page):
    page.open()
    frame = loaded(page)
    say(page, frame, {"type": "progress-bridge:renew"})
    page.wait(lambda: inside(page, frame, "return heard.at(-1).token"), "no token came")
    fresh = Tokens(token_settings(TOKENS)).read(inside(page, frame, "return heard.at(-1).token"))
    assert fresh.grains == {GRAIN}
    assert fresh.expires_at >= token_of(frame).expires_at


def test_without_keys_the_page_may_still_complete(page, rows, settings, workbench):
    workbench.configure({k: v for k, v in settings.items() if k != "tokens"})
    page.open()
    frame = loaded(page)
    assert frame.get_attribute("src").endswith("/#token=")
    say(page, frame, COMPLETE)
    page.wait_for("done")
    assert len(rows()) == 1


def test_a_visitors_page_is_launched_for_nobody(page):
    page.student = people.VISITOR
    page.open()
    frame = loaded(page)
    assert frame.get_attribute("src").endswith("/#token=")
    assert "Connectez-vous" in page.message
    say(page, frame, COMPLETE)
    say(page, frame, {"type": "progress-bridge:renew"})
    assert page.state == "blocked"


def test_without_a_mini_site_the_reason_shows(page, workbench, sqlite):
    workbench.configure(sqlite)
    page.open()
    assert "la plateforme ne dit pas où se trouve la page" in page.message
    assert page.box.find_elements(By.TAG_NAME, "iframe") == []


def test_an_odd_mini_site_stops_nothing(page, workbench, settings, failures):
    workbench.configure({**settings, "mini_site": "http://exa mple.org"})
    page.open()
    assert page.state == "none"
    assert [line for line in failures() if "Invalid URL" in line] == []


def test_a_failed_launch_is_tried_again(page):
    page.block("*/launch/*")
    try:
        page.open()
        assert "La connexion a été perdue" in page.wait_for("problem")
    finally:
        page.block()
    page.click().wait_for("none")
    loaded(page)
    assert not page.button.is_displayed()


def test_the_frame_is_named_and_sandboxed(page):
    page.open()
    frame = loaded(page)
    assert frame.get_attribute("title") == "La leçon interactive"
    assert frame.get_attribute("name") == f"progress-bridge:{GRAIN}"
    assert frame.size["height"] == 680 - 2  # less its border
    assert "allow-top-navigation" not in frame.get_attribute("sandbox")
