"""`bridge.js` in a real browser, over the real service: nothing is lost, nothing is mixed up."""

from __future__ import annotations

import base64
import gzip
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from selenium.webdriver.common.by import By

from bridge import Bridge, Identity
from tests.direct.page import Page, Refused
from tests.servers import ROOT
from tests.service.server import Service

MILLISECOND = timedelta(milliseconds=1)

Launch = Callable[..., str]
REQUIRED = '{"consent":"required"}'


def recorded(store: Bridge, who: Identity) -> set[str]:
    return {row.grain_id for row in store.store.progress(who)}


def arrives(page: Page, store: Bridge, who: Identity, *grains: str) -> None:
    page.wait(lambda: recorded(store, who) == set(grains), f"not recorded: {grains}")


def guest(page: Page) -> Identity:
    """Return whom the browser's token names."""
    token = page.script("return localStorage.getItem('progress-bridge:guest')")
    body = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return Identity(claims["origin"], claims["sub"])


def over(launch: Launch, learner: Identity) -> str:
    """Return a token that has expired."""
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1)):
        return launch(learner)


def test_the_module_is_small() -> None:
    module = (ROOT / "bridge/service/static/bridge.js").read_bytes()
    assert len(gzip.compress(module, 9, mtime=0)) < 6000
    assert b"\nimport " not in module


# --- who it is ---------------------------------------------------------------------------------


def test_a_visitor_who_only_reads_is_nobody(page: Page) -> None:
    page.open()
    assert page.state == "nobody"
    assert page.progress() == []
    assert page.kept == []


def test_first_completion_makes_a_guest_known_again(page: Page, store: Bridge) -> None:
    page.open()
    before = datetime.now(UTC)
    assert page.complete("g1", module="m", sequence="s") == "accepted"
    assert page.state == "guest"
    who = guest(page)
    assert who.origin == "direct"
    arrives(page, store, who, "g1")
    (row,) = store.store.progress(who)
    assert (row.module_id, row.sequence_id) == ("m", "s")
    assert before - MILLISECOND < row.completed_at <= datetime.now(UTC)
    page.open()
    assert page.state == "guest"
    (grain,) = page.progress()
    assert (grain["grain_id"], grain["waiting"]) == ("g1", False)
    page.complete("g2")
    arrives(page, store, who, "g1", "g2")


def test_launch_sets_the_learner_and_cleans_the_address(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    page.open(launch(learner))
    assert page.state == "launched"
    assert "token" not in page.script("return location.href")
    assert page.complete("g1") == "accepted"
    arrives(page, store, learner, "g1")
    assert "progress-bridge:guest" not in page.kept


def test_the_rest_of_the_fragment_stays(page: Page, launch: Launch, learner: Identity) -> None:
    page.open(launch(learner) + "&chapter=2")
    assert page.script("return location.hash") == "#chapter=2"
    assert page.state == "launched"


def test_launch_for_nobody_records_nothing_even_after_reload(
    page: Page, launch: Launch, learner: Identity
) -> None:
    page.open(launch(learner))
    page.browser.get("about:blank")
    page.browser.get(f"{page.site.url}/#token=")
    for _ in range(2):
        page.wait(lambda: page.script("return window.bridge?.state") == "unknown")
        with pytest.raises(Refused) as refused:
            page.complete("g1")
        assert refused.value.kind == "expired"
        page.browser.refresh()


@pytest.mark.parametrize("path", ["//lesson", "/?q=%23"])
def test_launched_pages_address_is_cleaned_whatever_it_is(
    page: Page, launch: Launch, learner: Identity, path: str
) -> None:
    page.browser.get("about:blank")
    page.browser.get(f"{page.site.url}{path}#part-3&token={launch(learner)}")
    page.wait(lambda: page.script("return window.bridge?.state") == "launched")
    address = page.script("return location.href")
    assert address == f"{page.site.url}{path}#part-3"


def test_launch_survives_a_reload_but_not_its_tab(
    page: Page, launch: Launch, learner: Identity
) -> None:
    page.open(launch(learner))
    page.open()
    assert page.state == "launched"
    page.another_tab()
    page.open()
    assert page.state == "nobody"


def test_launch_for_one_grain_records_no_other(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    page.open(launch(learner, ["g1"]))
    with pytest.raises(Refused) as caught:
        page.complete("g2")
    assert caught.value.kind == "forbidden"
    assert page.waiting == []
    assert page.complete("g1") == "accepted"
    arrives(page, store, learner, "g1")


def test_invalid_token_makes_nobody_a_guest(page: Page) -> None:
    page.open("not-a-token")
    assert page.state == "unknown"
    for call in (lambda: page.complete("g1"), page.progress):
        with pytest.raises(Refused) as caught:
            call()
        assert caught.value.kind == "expired"
    assert "progress-bridge:guest" not in page.kept


# --- connections -------------------------------------------------------------------------------


def test_offline_completion_is_sent_when_back_online(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    page.open(launch(learner))
    page.script("Math.random = () => 1e6")  # no timer will do it
    page.offline(True)
    before = datetime.now(UTC)
    assert page.complete("g1") == "waiting"
    after = datetime.now(UTC)
    assert page.waiting == ["g1"]
    page.offline(False)
    arrives(page, store, learner, "g1")
    page.wait(lambda: page.waiting == [])
    (row,) = store.store.progress(learner)
    assert before.timestamp() - 0.01 <= row.completed_at.timestamp() <= after.timestamp() + 0.01


def test_offline_visitor_becomes_a_guest_afterwards(page: Page, store: Bridge) -> None:
    page.open()
    page.offline(True)
    assert page.complete("g1") == "waiting"
    assert page.state == "nobody"
    page.offline(False)
    page.wait(lambda: page.state == "guest" and page.waiting == [])
    arrives(page, store, guest(page), "g1")


def test_what_waits_outlives_its_tab(page: Page, store: Bridge) -> None:
    page.open()
    page.complete("g0")
    who = guest(page)
    page.another_tab()
    page.open()
    page.offline(True)
    assert page.complete("g1") == "waiting"
    page.close_others()
    page.open()
    arrives(page, store, who, "g0", "g1")


def test_tab_closed_at_once_loses_nothing(page: Page, store: Bridge) -> None:
    page.open()
    page.complete("g0")
    who = guest(page)
    page.another_tab()
    page.open()
    page.script("bridge.complete('g1'); bridge.complete('g2')")
    page.close_others()
    page.open()
    arrives(page, store, who, "g0", "g1", "g2")


def test_a_service_that_is_down_is_waited_for(
    page: Page, store: Bridge, service: Service, launch: Launch, learner: Identity
) -> None:
    page.open(launch(learner))
    service.kill()
    assert page.complete("g1") == "waiting"
    service.start()
    arrives(page, store, learner, "g1")


INSTEAD = """
const [answer] = arguments;
const call = window.fetch;
window.fetch = (...words) => {
  window.fetch = call;
  return Promise.resolve(new Response(...answer));
};
"""


def test_proxys_401_makes_no_other_guest(page: Page, store: Bridge) -> None:
    page.open()
    page.complete("g1")
    who = guest(page)
    page.script(INSTEAD, ["<h1>Log in</h1>", {"status": 401}])
    assert page.complete("g2") == "waiting"
    arrives(page, store, who, "g1", "g2")
    assert guest(page) == who


def test_retry_survives_a_clock_put_back(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    page.open(launch(learner))
    later = ["{}", {"status": 503, "headers": {"Retry-After": "1"}}]
    page.script(INSTEAD, later)
    assert page.complete("g1") == "waiting"
    page.script("const now = Date.now; Date.now = () => now() - 60000")
    arrives(page, store, learner, "g1")


def test_two_tabs_without_locks_are_one_guest(page: Page, store: Bridge, launch: Launch) -> None:
    other = launch(Identity("direct", uuid.uuid4()))
    page.open()
    page.script(
        "Object.defineProperty(navigator, 'locks', { value: undefined });"
        "const other = arguments[0];"
        "const call = window.fetch;"
        "window.fetch = async (...words) => {"  # the other tab's guest comes first
        "  const answer = await call(...words);"
        "  if (String(words[0]).endsWith('v1/guests')) {"
        "    localStorage.setItem('progress-bridge:guest', other);"
        "  }"
        "  return answer;"
        "}",
        other,
    )
    assert page.complete("g1") == "accepted"
    assert page.script("return localStorage.getItem('progress-bridge:guest')") == other
    arrives(page, store, guest(page), "g1")


FORBID = """
for (const area of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, area, { get() { throw new DOMException("no", "SecurityError"); } });
}
LockManager.prototype.request = () => Promise.reject(new DOMException("no", "SecurityError"));
"""


def test_page_without_storage_works_while_open(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    page.browser.execute_cdp_cmd("Page.enable", {})
    script = page.browser.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": FORBID}
    )
    try:
        page.open(launch(learner))
        page.offline(True)
        assert page.complete("g1") == "waiting"
        page.offline(False)
        arrives(page, store, learner, "g1")
    finally:
        page.browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


FULL = """
const set = Storage.prototype.setItem;
Storage.prototype.setItem = function (key, value) {
  if (value.length > (this.getItem(key) ?? value).length) {
    throw new DOMException("full", "QuotaExceededError");
  }
  set.call(this, key, value);
};
window.posts = 0;
const send = window.fetch;
window.fetch = (...request) => ((window.posts += 1), send(...request));
"""


def test_full_storage_causes_no_repeated_sending(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    page.open(launch(learner))
    page.script(FULL)
    page.script("bridge.complete('g1').then((outcome) => { window.outcome = outcome; })")
    page.wait(lambda: page.script("return window.outcome || window.posts > 3"))
    assert page.script("return [window.outcome, window.posts]") == ["accepted", 1]
    assert page.waiting == []
    assert [grain["grain_id"] for grain in page.progress()] == ["g1"]
    arrives(page, store, learner, "g1")
    page.open()  # without what this page knew in memory
    page.wait(lambda: page.waiting == [])
    assert recorded(store, learner) == {"g1"}


def test_many_tabs_make_one_guest_and_lose_nothing(page: Page, store: Bridge) -> None:
    page.open()
    page.offline(True)
    for number in range(120):
        page.script("bridge.complete(arguments[0])", f"g{number}")
    for number in range(3):
        page.another_tab()
        page.open()
        page.script("bridge.complete(arguments[0])", f"t{number}")
    page.wait(lambda: page.state == "guest" and page.waiting == [])
    grains = {f"g{number}" for number in range(120)} | {f"t{number}" for number in range(3)}
    arrives(page, store, guest(page), *grains)


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("grain", [None, "", "  ", 5, "x" * 256])
def test_impossible_grain_is_refused_at_once(page: Page, grain: object) -> None:
    page.open()
    with pytest.raises(Refused) as caught:
        page.run("return bridge.complete(words[0])", grain)
    assert caught.value.kind == "invalid"
    assert page.kept == []


def test_refused_completion_is_reported_and_not_resent(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    page.open(launch(learner))
    page.offline(True)
    page.complete("good")
    page.complete("bad\u0007id")
    page.offline(False)
    arrives(page, store, learner, "good")
    page.wait(lambda: page.waiting == [])
    with pytest.raises(Refused) as caught:
        page.complete("another\u0007")
    assert caught.value.kind == "refused"
    assert "not printable" in str(caught.value)
    assert page.waiting == []
    assert page.complete("better") == "accepted"


def test_wrong_clock_holds_back_no_completion(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    page.open(launch(learner))
    page.script(
        "const D = Date; window.Date = class extends D {"
        "  constructor(...w) { super(...(w.length ? w : [D.now() + 864e5])); } }"
    )
    before = datetime.now(UTC)
    assert page.complete("g1") == "accepted"
    arrives(page, store, learner, "g1")
    (row,) = store.store.progress(learner)
    assert before - MILLISECOND < row.completed_at <= datetime.now(UTC)


def test_without_guests_page_is_told_and_completions_wait(
    page: Page, service: Service, site: object
) -> None:
    page.open(options=json.dumps({"service": f"{service.url}/nowhere"}))
    with pytest.raises(Refused) as caught:
        page.complete("g1")
    assert caught.value.kind == "guests"
    assert page.waiting == ["g1"]


# --- two learners on one computer ----------------------------------------------------------------


def test_what_alice_left_is_not_sent_as_bobs(
    page: Page, store: Bridge, service: Service, launch: Launch, learner: Identity
) -> None:
    alice, bob = learner, Identity("moodle", 1 + int(learner.external_user_id[:12], 16))
    page.open(launch(alice))
    service.kill()
    assert page.complete("of alice") == "waiting"
    page.browser.get("about:blank")
    service.start()
    page.open(launch(bob))
    assert page.waiting == []
    assert page.complete("of bob") == "accepted"
    arrives(page, store, bob, "of bob")
    assert recorded(store, alice) == set()
    assert [row["grain_id"] for row in page.progress()] == ["of bob"]
    page.open(launch(alice))
    arrives(page, store, alice, "of alice")


def test_expired_launch_keeps_completions_for_the_next(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    page.open(over(launch, learner))
    assert page.complete("g1") == "waiting"
    assert page.state == "expired"
    with pytest.raises(Refused) as caught:
        page.progress()
    assert caught.value.kind == "expired"
    assert "progress-bridge:guest" not in page.kept
    page.open(launch(learner))
    arrives(page, store, learner, "g1")


def test_new_launch_in_the_same_page_counts(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    bob = Identity("funmooc", learner.external_user_id[::-1])
    page.open(launch(learner))
    page.complete("g1")
    page.script("location.hash = arguments[0]", f"token={launch(bob)}")
    page.wait(lambda: "token" not in page.script("return location.href"))
    page.complete("g2")
    arrives(page, store, learner, "g1")
    arrives(page, store, bob, "g2")


# --- consent -----------------------------------------------------------------------------------


def test_before_consent_nothing_is_made_stored_or_sent(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    page.open(options=REQUIRED)
    assert page.state == "consent"
    assert page.complete("g1") == "held"
    assert page.kept == []
    assert page.script("return performance.getEntriesByType('resource').length") == 1  # bridge.js
    assert [grain["grain_id"] for grain in page.progress()] == ["g1"]
    page.open(options=REQUIRED)
    assert page.progress() == []


def test_consent_records_held_completions_with_their_instants(page: Page, store: Bridge) -> None:
    page.open(options=REQUIRED)
    page.complete("g1")
    after = datetime.now(UTC)
    page.run("await bridge.consent()")
    assert page.state == "guest"
    who = guest(page)
    arrives(page, store, who, "g1")
    assert store.store.progress(who)[0].completed_at <= after
    page.open(options=REQUIRED)
    assert page.state == "guest"


def test_a_launched_page_waits_for_consent_too(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    page.open(launch(learner), REQUIRED)
    assert page.complete("g1") == "held"
    assert page.kept == []
    page.run("await bridge.consent()")
    arrives(page, store, learner, "g1")


@pytest.mark.parametrize("options", ["{}", REQUIRED])
def test_who_revokes_is_forgotten(page: Page, options: str) -> None:
    page.open(options=options)
    page.run("await bridge.consent()")
    page.complete("g1")
    page.offline(True)
    page.complete("g2")
    page.script("bridge.revoke()")
    page.offline(False)
    assert page.state == "consent"
    assert page.kept == ["progress-bridge:consent"]
    page.open(options=options)
    assert page.state == "consent"
    assert page.progress() == []
    page.complete("g3")
    assert page.kept == ["progress-bridge:consent"]


def test_consent_in_another_tab_counts_here_too(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    page.open(launch(learner), REQUIRED)
    page.complete("g1")
    first = page.browser.current_window_handle
    page.another_tab()
    page.open(options=REQUIRED)
    page.run("await bridge.consent()")
    page.browser.switch_to.window(first)
    arrives(page, store, learner, "g1")
    assert page.complete("g2") == "accepted"
    assert page.waiting == []
    page.browser.refresh()
    page.wait(lambda: page.script("return window.bridge?.state === 'launched'"))


def test_launch_waiting_for_consent_survives_a_reload(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    page.open(launch(learner), REQUIRED)
    page.browser.refresh()
    page.wait(lambda: page.script("return Boolean(window.bridge)"))
    page.run("await bridge.consent()")
    assert page.script("return location.hash") == ""
    assert page.complete("g1") == "accepted"
    arrives(page, store, learner, "g1")


def test_held_completions_never_become_another_learners(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    bob = Identity("funmooc", learner.external_user_id[::-1])
    page.open(options=REQUIRED)
    assert page.complete("nobodys") == "held"
    for who, grain in ((learner, "alices"), (bob, "bobs")):
        page.script("location.hash = '#token=' + arguments[0]", launch(who))
        page.wait(lambda who=who: page.script("return bridge.state") == "consent")
        page.wait(lambda: page.waiting == [])
        assert page.complete(grain) == "held"
    page.run("await bridge.consent()")
    arrives(page, store, bob, "bobs")
    assert recorded(store, bob) == {"bobs"}
    assert recorded(store, learner) == set()


def test_completions_held_before_a_launch_are_sent_once(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    page.open(options='{"consent":"guests"}')
    assert page.complete("g1") == "held"
    page.script("location.hash = '#token=' + arguments[0]", launch(learner))
    page.wait(lambda: page.state == "launched")
    assert page.complete("g2") == "accepted"
    arrives(page, store, learner, "g2")
    assert recorded(store, learner) == {"g2"}


def test_completion_revoked_while_sent_is_not_accepted(page: Page) -> None:
    page.open()
    page.script(
        "window.fetch = (_, { signal }) => new Promise((_, fail) =>"
        "  signal.addEventListener('abort', () => fail(signal.reason)));"
        "window.answer = bridge.complete('g1').catch((error) => error.kind)"
    )
    page.wait(lambda: page.waiting == ["g1"])
    page.script("bridge.revoke()")
    assert page.run("return window.answer") == "revoked"
    assert page.kept == ["progress-bridge:consent"]


def test_consent_for_guests_does_not_ask_launched_learners(
    page: Page, store: Bridge, launch: Launch, learner: Identity
) -> None:
    guests = '{"consent":"guests"}'
    page.open(options=guests)
    assert page.state == "consent"
    page.script("bridge.revoke()")
    page.open(launch(learner), guests)
    assert page.complete("g1") == "accepted"
    arrives(page, store, learner, "g1")


# --- embedded ----------------------------------------------------------------------------------


@pytest.fixture
def course(page: Page) -> Callable[[str], None]:
    """A page that embeds ours, launched with a token; scripts run in ours from then on."""

    def embed(token: str) -> None:
        page.browser.get(f"{page.site.url}/course")
        page.script(
            "document.querySelector('iframe').src = arguments[0]", f"{page.site.url}/#token={token}"
        )
        inside(page)
        page.wait(lambda: page.script("return Boolean(window.bridge)"))

    return embed


def inside(page: Page) -> None:
    page.browser.switch_to.default_content()
    page.browser.switch_to.frame(0)


def heard(page: Page) -> list[dict[str, str]]:
    page.browser.switch_to.default_content()
    found = list(page.script("return heard"))
    inside(page)
    return found


def test_the_page_that_embeds_is_told(
    page: Page, store: Bridge, launch: Launch, learner: Identity, course: Callable[[str], None]
) -> None:
    course(launch(learner, ["g1"]))
    assert page.complete("g1") == "accepted"
    assert heard(page) == [{"type": "progress-bridge:complete", "grain_id": "g1"}]
    arrives(page, store, learner, "g1")


def test_embedding_page_renews_its_own_learners_token_only(
    page: Page, store: Bridge, launch: Launch, learner: Identity, course: Callable[[str], None]
) -> None:
    bob = Identity("funmooc", learner.external_user_id[::-1])
    course(over(launch, learner))
    page.browser.switch_to.default_content()
    page.script("window.fresh = arguments[0]", launch(bob))
    inside(page)
    assert page.complete("g1") == "waiting"
    assert page.state == "expired"
    page.browser.switch_to.default_content()
    page.script("window.fresh = arguments[0]", launch(learner))
    page.script(
        "document.querySelector('iframe').contentWindow.postMessage("
        "  { type: 'progress-bridge:token', token: fresh }, '*')"
    )
    inside(page)
    arrives(page, store, learner, "g1")
    assert page.state == "launched"
    assert {"type": "progress-bridge:renew"} in heard(page)
    assert recorded(store, bob) == set()


# --- the guide's page ----------------------------------------------------------------------------


def test_the_page_that_the_guide_quotes_works(page: Page, store: Bridge) -> None:
    def visit() -> None:
        page.browser.get("about:blank")
        page.browser.get(f"{page.site.url}/example")

    def text(selector: str) -> str:
        return page.browser.find_element(By.CSS_SELECTOR, selector).text

    visit()
    page.browser.find_element(By.CSS_SELECTOR, "#done").click()
    page.wait(lambda: "Oui" in text("#consent"))
    page.browser.find_element(By.CSS_SELECTOR, "#consent button").click()
    page.wait(lambda: text("#consent") == "")
    page.wait(lambda: "progress-bridge:guest" in page.kept)
    arrives(page, store, guest(page), "grain-lumiere")
    visit()
    page.wait(lambda: text("#state") == "Déjà terminé.")
    page.browser.find_element(By.CSS_SELECTOR, "#done").click()
    page.wait(lambda: text("#state") == "Enregistré.")


def test_the_snippet_of_the_readme_works(page: Page, store: Bridge) -> None:
    page.browser.get(f"{page.site.url}/readme")
    page.wait(lambda: page.script("return Boolean(window.done?.onclick)"))
    page.browser.find_element(By.TAG_NAME, "button").click()
    page.wait(lambda: "progress-bridge:guest" in page.kept)
    arrives(page, store, guest(page), "grain-1")
