"""The demo's mini-site in Chromium: entered as a guest, with an account, and from a course."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from bridge import Bridge, Identity
from tests.demo.people import ACCOUNT, VISITOR, platform_id
from tests.demo.service import Service
from tests.demo.workbench import Workbench
from tests.servers import axe
from tests.servers.need import need

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

PATIENCE = 15
LANGUAGES = ["fr", "en"]


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Service, Workbench]]:
    """The mini-site and the course, each knowing the other, as `make run` starts them."""
    folder = tmp_path_factory.mktemp("demo")
    store = {"store": {"url": f"sqlite:///{folder / 'progress.db'}"}}
    workbench = Workbench(folder, {})
    service = Service(folder, store, workbench.url)
    workbench.configure({**store, "tokens": service.tokens, "mini_site": service.url})
    with service, workbench:
        yield service, workbench


@pytest.fixture
def service(running: tuple[Service, Workbench]) -> Service:
    return running[0].start()


@pytest.fixture
def workbench(running: tuple[Service, Workbench]) -> Workbench:
    return running[1]


@pytest.fixture
def store(service: Service) -> Iterator[Bridge]:
    with Bridge.from_config(service.configuration) as bridge:
        yield bridge


class MiniSite:
    """The mini-site in a browser that was never there."""

    def __init__(self, browser: Chrome, service: Service) -> None:
        self.browser = browser
        self.url = f"{service.url}/demo/"
        browser.get("about:blank")
        browser.execute_cdp_cmd(
            "Storage.clearDataForOrigin", {"origin": service.url, "storageTypes": "all"}
        )
        browser.get(f"{service.url}/healthz")
        browser.execute_script("sessionStorage.clear()")

    def open(self, language: str = "fr", path: str = "") -> MiniSite:
        self.browser.get(f"{self.url}{path}?lang={language}")
        self.wait(lambda: self.all("form"), "no lesson is there")
        return self

    def agree(self) -> MiniSite:
        self.one(".consent button").click()
        self.wait(lambda: not self.one(".consent").is_displayed())
        return self

    def one(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def lesson(self, grain: str) -> str:
        return f"[data-grain='{grain}']"

    def answer(self, grain: str, value: str = "right") -> str:
        """Answer the lesson's question, and return what the page says to it."""
        lesson = self.one(self.lesson(grain))
        if lesson.tag_name == "details" and not lesson.get_attribute("open"):
            lesson.find_element(By.TAG_NAME, "summary").click()
        lesson.find_element(By.CSS_SELECTOR, f"input[value={value}]").click()
        lesson.find_element(By.TAG_NAME, "button").click()
        return lesson.find_element(By.CSS_SELECTOR, ".feedback").text

    def state(self, grain: str) -> str | None:
        return self.one(self.lesson(grain)).get_attribute("data-state")

    def text(self, selector: str) -> str:
        return self.one(selector).text

    def bar(self, sequence: int) -> tuple[float, str]:
        """Return how full a sequence's bar is, and the text beside it."""
        section = self.one(f"[data-sequence=sequence-{sequence}]")
        full = section.find_element(By.TAG_NAME, "progress").get_property("position")
        return float(str(full)), section.find_element(By.CSS_SELECTOR, ".bar__text").text

    def becomes(self, grain: str, state: str) -> None:
        self.wait(lambda: self.state(grain) == state, f"{grain} is not {state}")

    def wait(self, condition: Callable[[], object], otherwise: str = "") -> None:
        WebDriverWait(self.browser, PATIENCE, 0.05).until(lambda _: condition(), otherwise)

    @property
    def guest(self) -> Identity:
        """Ask the service whom the browser's token names."""
        script = """
            const done = arguments[0], token = localStorage.getItem("progress-bridge:guest");
            fetch("/v1/key", {headers: {Authorization: `Bearer ${token}`}})
              .then((answer) => answer.json()).then(done);
        """
        found = self.browser.execute_async_script(script)
        return Identity(found["origin"], found["external_user_id"])


@pytest.fixture
def site(browser: Chrome, service: Service) -> Iterator[MiniSite]:
    site = MiniSite(browser, service)
    browser.get_log("browser")
    yield site
    offline(browser, False)
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def offline(browser: Chrome, cut: bool) -> None:
    browser.execute_cdp_cmd("Network.enable", {})
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": cut, **conditions})


def recorded(store: Bridge, who: Identity) -> set[str]:
    return {row.grain_id for row in store.store.progress(who)}


def test_guest_finds_a_finished_lesson_again(site: MiniSite, store: Bridge) -> None:
    site.open().agree()
    assert site.bar(1) == (0, "0 leçon terminée sur 2")
    assert "juste" in site.answer("grain-lumiere")
    site.becomes("grain-lumiere", "done")
    assert site.bar(1) == (0.5, "1 leçon terminée sur 2")
    site.wait(lambda: recorded(store, site.guest) == {"grain-lumiere"})
    (row,) = store.store.progress(site.guest)
    assert (row.module_id, row.sequence_id) == ("module-plantes", "sequence-1")
    site.open("en")
    site.becomes("grain-lumiere", "done")
    assert site.bar(1) == (0.5, "1 of 2 lessons finished")
    assert site.state("grain-chlorophylle") == "todo"
    assert site.browser.get_log("browser") == []


def test_a_wrong_answer_finishes_nothing(site: MiniSite) -> None:
    site.open().agree()
    assert "réessayez" in site.answer("grain-eau", "wrong")
    assert site.state("grain-eau") == "todo"
    assert "juste" in site.answer("grain-eau")
    site.becomes("grain-eau", "done")


def test_without_consent_nothing_is_kept(site: MiniSite) -> None:
    site.open()
    site.answer("grain-lumiere")
    site.becomes("grain-lumiere", "held")
    assert site.browser.execute_script("return localStorage.length + sessionStorage.length") == 0
    site.open()
    assert site.state("grain-lumiere") == "todo"


def test_consent_keeps_earlier_progress_and_is_revocable(site: MiniSite, store: Bridge) -> None:
    site.open()
    site.answer("grain-lumiere")
    site.agree()
    site.becomes("grain-lumiere", "done")
    site.wait(lambda: recorded(store, site.guest) == {"grain-lumiere"})
    site.one(".foot button").click()
    assert site.one(".consent").is_displayed()
    assert site.state("grain-lumiere") == "todo"
    site.open()
    assert site.one(".consent").is_displayed()
    kept = site.browser.execute_script("return Object.keys(localStorage)")
    assert kept == ["progress-bridge:consent"]


def test_account_launch_leaves_no_token_in_the_address(site: MiniSite, store: Bridge) -> None:
    site.browser.get(f"{site.url}sign-in")
    site.wait(lambda: site.all("form"))
    assert site.browser.current_url == site.url
    assert not site.one(".consent").is_displayed()
    assert site.text(".foot__who") == "Votre progression est enregistrée à votre nom."
    site.answer("grain-glucose")
    site.becomes("grain-glucose", "done")
    site.wait(lambda: recorded(store, ACCOUNT) == {"grain-glucose"})


def test_lesson_finished_offline_is_sent_when_back_online(site: MiniSite, store: Bridge) -> None:
    site.open().agree()
    site.answer("grain-lumiere")
    site.becomes("grain-lumiere", "done")
    offline(site.browser, True)
    site.answer("grain-chlorophylle")
    site.becomes("grain-chlorophylle", "waiting")
    assert "1 leçon en attente" in site.text(".foot__status")
    assert site.bar(1) == (1, "2 leçons terminées sur 2")
    offline(site.browser, False)
    site.becomes("grain-chlorophylle", "done")
    site.wait(lambda: site.text(".foot__status") == "")
    grains = {"grain-lumiere", "grain-chlorophylle"}
    site.wait(lambda: recorded(store, site.guest) == grains)


def test_learning_goes_on_while_the_service_is_down(
    site: MiniSite, store: Bridge, service: Service
) -> None:
    site.open().agree()
    service.kill()
    site.answer("grain-lumiere")
    site.becomes("grain-lumiere", "waiting")
    service.start()
    site.becomes("grain-lumiere", "done")
    site.wait(lambda: recorded(store, site.guest) == {"grain-lumiere"})


def test_learners_sharing_a_computer_see_only_their_progress(site: MiniSite, store: Bridge) -> None:
    site.open().agree()
    site.answer("grain-eau")
    site.becomes("grain-eau", "done")
    guest = site.guest
    site.browser.get(f"{site.url}sign-in")
    site.wait(lambda: site.all("form"))
    site.becomes("grain-eau", "todo")
    site.answer("grain-carbone")
    site.becomes("grain-carbone", "done")
    site.wait(lambda: "grain-carbone" in recorded(store, ACCOUNT))
    assert "grain-eau" not in recorded(store, ACCOUNT)
    assert recorded(store, guest) == {"grain-eau"}


# --- from a course -------------------------------------------------------------------------------


@pytest.fixture
def student() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def embedded(site: MiniSite, workbench: Workbench, student: str) -> Iterator[MiniSite]:
    """The lesson in the course's page, and scripts in the lesson."""
    embed(site, workbench, student)
    yield site
    site.browser.switch_to.default_content()


def embed(site: MiniSite, workbench: Workbench, student: str) -> None:
    site.browser.get(f"{workbench.url}scenario/progress.3/?student={student}&lang=fr")
    site.wait(lambda: site.all("iframe"), "the block embeds no page")
    site.browser.switch_to.frame(site.one("iframe"))
    site.wait(lambda: site.all("form"), "no lesson is there")


def test_lesson_embedded_for_nobody_records_nothing(
    embedded: MiniSite, workbench: Workbench, store: Bridge, student: str
) -> None:
    embedded.browser.switch_to.default_content()
    embed(embedded, workbench, VISITOR)
    assert "cette page ne sait pas qui vous êtes" in embedded.text(".foot__who")
    embedded.answer("grain-eau")
    feedback = f"{embedded.lesson('grain-eau')} .feedback"
    embedded.wait(lambda: "n’a pas pu être enregistrée" in embedded.text(feedback))
    assert embedded.browser.execute_script("return Object.keys(localStorage)") == []
    assert recorded(store, Identity("funmooc", platform_id(student))) == set()


def test_course_hears_that_an_embedded_lesson_is_finished(
    embedded: MiniSite, store: Bridge, student: str
) -> None:
    assert embedded.text("h1") == "L’eau et la sève"
    assert len(embedded.all("form")) == 1
    embedded.answer("grain-eau")
    embedded.becomes("grain-eau", "done")
    embedded.browser.switch_to.default_content()
    embedded.wait(
        lambda: embedded.one(".grain-progress").get_attribute("data-state") in ("done", "accepted"),
        "the course does not know",
    )
    learner = Identity("funmooc", platform_id(student))
    embedded.wait(lambda: recorded(store, learner) == {"grain-eau"})
    (row,) = store.store.progress(learner)
    assert (row.module_id, row.sequence_id) == ("module-plantes", "sequence-2")


def test_an_embedded_lesson_can_be_used_by_everybody(embedded: MiniSite) -> None:
    need("axe-core")
    assert axe.violations(embedded.browser) == []
    embedded.answer("grain-eau")
    assert axe.violations(embedded.browser) == []


# --- for everybody -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_in_any_state(site: MiniSite, language: str) -> None:
    need("axe-core")
    site.open(language)
    site.answer("grain-lumiere")
    assert axe.violations(site.browser) == []
    site.agree()
    site.answer("grain-chlorophylle", "wrong")
    site.answer("grain-echanges")
    site.becomes("grain-echanges", "done")
    offline(site.browser, True)
    site.answer("grain-eau")
    site.becomes("grain-eau", "waiting")
    settle(site)
    assert axe.violations(site.browser) == []


def settle(site: MiniSite) -> None:
    """Wait until nothing moves: a colour half-way is another contrast."""
    site.wait(lambda: site.browser.execute_script("return document.getAnimations().length") == 0)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("zoom", [1, 2])
def test_it_fits_into_320_pixels(site: MiniSite, language: str, zoom: int) -> None:
    metrics = {"width": 320 * zoom, "height": 640, "deviceScaleFactor": 1, "mobile": False}
    site.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    site.open(language)
    site.browser.execute_script(f"document.documentElement.style.fontSize = '{zoom * 100}%'")
    for summary in site.all("summary"):
        summary.click()
    width = site.browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= 320 * zoom


def test_the_keyboard_alone_is_enough(site: MiniSite) -> None:
    site.open()
    press(site, Keys.TAB)
    assert focused(site).get_attribute("class") == "skip"
    press(site, Keys.TAB, Keys.TAB, Keys.TAB, Keys.ENTER)
    site.wait(lambda: not site.one(".consent").is_displayed())
    press(site, Keys.TAB, Keys.ENTER, Keys.TAB, Keys.SPACE)
    for _ in range(3):
        press(site, Keys.ENTER)
        if site.state("grain-lumiere") == "done":
            break
        press(site, Keys.ARROW_DOWN)
    site.becomes("grain-lumiere", "done")


def press(site: MiniSite, *keys: str) -> None:
    ActionChains(site.browser).send_keys(*keys).perform()


def focused(site: MiniSite) -> WebElement:
    return site.browser.switch_to.active_element


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_says_everything(site: MiniSite, language: str) -> None:
    site.open(language)
    assert site.one("html").get_attribute("lang") == language
    assert "undefined" not in site.one("body").get_property("innerText")
    keys = site.browser.execute_async_script(
        "const done = arguments[0]; import('/demo/words.js').then(({words}) =>"
        " done(Object.values(words).map((w) => [...Object.keys(w), ...Object.keys(w.who)])))"
    )
    assert keys[0] == keys[1]
