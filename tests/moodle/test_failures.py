"""What is wrong is said in words, everything is kept, and the key is shown nowhere."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator

import pytest
import trustme

from tests.moodle.odd_bridge import Answer, OddBridge, Request, all_accepted
from tests.moodle.service import Service, eventually
from tests.moodle.site import ACKNOWLEDGED, REFUSED, WAITING, PhpError, Site
from tests.servers.process import HOST

KEY = "pb_00000000_" + "s" * 43
PROBLEM = {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "not for this key"}


@pytest.fixture
def waiting_site(bare_site: Site) -> Site:
    """A site where one completion waits; it has no address yet."""
    bare_site.configure("https://bridge.example.org", KEY, timeout=1)
    bare_site.add_user(9)
    bare_site.add_activity(7, "grain-1")
    bare_site.complete(7, 9)
    return bare_site


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What a hanging bridge waits for."""
    event = threading.Event()
    yield event
    event.set()


def find(site: Site, url: str, key: str = KEY) -> str:
    """What the test of the connection finds; also tries the tasks, which must keep what waits."""
    site.configure(url, key, timeout=1)
    found = site.run("connection")
    assert not found["passed"]
    [failed] = site.run("adhoc")
    site.run("scheduled")
    assert site.items() == {(7, 9): (WAITING, None)}
    shown = json.dumps([found, failed, site.mtrace, site.run("status"), site.run("checks")])
    shown += "".join(
        value
        for (value,) in site.sql("SELECT value FROM mdl_config_plugins WHERE name <> 'apikey'")
    )
    assert KEY not in shown
    words: str = found["findings"][0]
    return words


def test_a_key_that_the_bridge_does_not_know(waiting_site: Site, bridge: Service) -> None:
    assert "does not accept the key" in find(waiting_site, bridge.url)
    [check] = waiting_site.run("checks")
    assert check["status"] == "error"
    assert "does not accept the key" in check["summary"]


@pytest.mark.parametrize("key", ["pâte", "two words", "a\nb"])
def test_impossible_key_is_not_sent(waiting_site: Site, key: str) -> None:
    assert "does not accept the key" in find(waiting_site, f"http://{HOST}:9", key)


def test_a_key_for_another_origin(waiting_site: Site, bridge: Service) -> None:
    key = bridge.new_key(origins=["funmooc", "direct"], rights=["write", "erase"])
    waiting_site.configure(bridge.url, key)
    eventually(lambda: "not for the origin" in waiting_site.run("connection")["findings"][0])
    words = find(waiting_site, bridge.url, key)
    assert words == "The key is not for the origin moodle, but for: funmooc, direct"
    assert "may not do this" in waiting_site.run("status")["failure"]


@pytest.mark.parametrize(("has", "lacks"), [("read", ["write", "erase"]), ("erase", ["write"])])
def test_a_key_without_the_rights(
    waiting_site: Site, bridge: Service, has: str, lacks: list[str]
) -> None:
    key = bridge.new_key(rights=[has])
    waiting_site.configure(bridge.url, key)
    eventually(lambda: "lacks" in waiting_site.run("connection")["findings"][0])
    find(waiting_site, bridge.url, key)
    findings = waiting_site.run("connection")["findings"]
    assert [
        f"lacks the right {right}" in words for right, words in zip(lacks, findings, strict=True)
    ]


def test_a_certificate_that_nobody_trusts(waiting_site: Site) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(HOST).configure_cert(context)
    with OddBridge(all_accepted, tls=context) as odd:
        assert "No trusted TLS connection" in find(waiting_site, odd.url)
        assert odd.requests == []


def test_a_server_that_speaks_no_tls(waiting_site: Site, bridge: Service) -> None:
    assert "No trusted TLS" in find(waiting_site, bridge.url.replace("http:", "https:"))


def test_a_bridge_that_does_not_answer(waiting_site: Site, release: threading.Event) -> None:
    with OddBridge(lambda request: Answer(wait=release)) as odd:
        assert "did not answer within 1 s" in find(waiting_site, odd.url)
        release.set()


def test_nobody_at_the_address(waiting_site: Site) -> None:
    assert "Nothing accepts connections" in find(waiting_site, f"http://{HOST}:9")


def test_a_host_name_that_cannot_be(waiting_site: Site) -> None:
    """A label of more than 63 characters is refused without asking any name server."""
    assert "cannot be found" in find(waiting_site, f"https://{'a' * 64}.example")


def test_impossible_host_name_is_not_called_blocked(waiting_site: Site) -> None:
    """Moodle blocks names that it finds no address of, as long as its list holds any address."""
    waiting_site.set("core", "curlsecurityblockedhosts", "10.0.0.1")
    assert "cannot be found" in find(waiting_site, f"https://{'a' * 64}.example")


def test_a_host_that_moodle_blocks(waiting_site: Site, bridge: Service) -> None:
    waiting_site.set("core", "curlsecurityblockedhosts", f"10.0.0.1\n{HOST}")
    words = find(waiting_site, bridge.url)
    assert "Moodle itself blocks" in words
    assert "HTTP security" in words


@pytest.mark.parametrize(
    "url",
    [
        "http://bridge.example.org",
        "ftp://bridge.example.org",
        "bridge.example.org",
        "https://user:password@bridge.example.org",
        "https://bridge.example.org/?a=b",
    ],
)
def test_an_address_that_would_give_the_key_away(waiting_site: Site, url: str) -> None:
    assert "cannot be used" in find(waiting_site, url)
    assert "cannot be used" in waiting_site.run("validate", ["setting_url", url])


@pytest.mark.parametrize(
    "url", ["", "https://b.example.org/sub/", "http://127.0.0.1:8080", "http://[::1]:8080"]
)
def test_addresses_that_the_settings_take(bare_site: Site, url: str) -> None:
    assert bare_site.run("validate", ["setting_url", url]) is True


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(404, "<h1>Not found</h1>"), "is not a progress bridge"),
        (Answer(200, "<h1>Welcome</h1>"), "is not a progress bridge"),
        (Answer(200, {"kind": "server", "version": {"major": 1}}), "is not a progress bridge"),
        (Answer(200, {"kind": "server", "version": "1", "rights": 1}), "is not a progress bridge"),
        (Answer(302, "", {"Location": "http://127.0.0.1:9/"}), "is not a progress bridge"),
        (Answer(403, PROBLEM), "HTTP 403: not for this key"),
        (Answer(418, "[]"), "does not understand. Nothing is lost"),
        (Answer(500, "<h1>Oops</h1>"), "cannot take anything at the moment"),
        (Answer(503, {"title": "<b>Down</b>"}), "HTTP 503: <b>Down</b>"),
        (Answer(429, ""), "asks for fewer requests"),
        (Answer(cut=True), "broke off"),
    ],
)  # fmt: skip
def test_odd_answers(waiting_site: Site, answer: Answer, words: str) -> None:
    with OddBridge(lambda request: answer) as odd:
        assert words in find(waiting_site, odd.url)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(202, "no JSON"),
        Answer(202, {"results": []}),
        Answer(202, {"results": [{"status": "accepted"}, {"status": "accepted"}]}),
        Answer(202, {"results": ["accepted"]}),
        Answer(422, {"title": "Unprocessable"}),
        Answer(200, {"results": [{"status": "accepted"}]}),
    ],
)
def test_incomplete_answer_acknowledges_no_item(waiting_site: Site, answer: Answer) -> None:
    with OddBridge(lambda request: answer) as odd:
        waiting_site.configure(odd.url, KEY)
        waiting_site.run("adhoc")
    assert waiting_site.items() == {(7, 9): (WAITING, None)}


def test_a_refusal_of_an_odd_form_is_one(waiting_site: Site) -> None:
    odd_result = {"status": "refused", "code": {"name": "new"}, "rule": ["r"], "retry_after": []}
    with OddBridge(lambda request: Answer(422, {"results": [odd_result]})) as odd:
        waiting_site.configure(odd.url, KEY)
        waiting_site.run("adhoc")
    assert waiting_site.items() == {(7, 9): (REFUSED, "")}
    assert waiting_site.run("status")["refused"][0]["reason"] == "The bridge says: ?: ?"


def test_a_bridge_that_is_too_old(waiting_site: Site) -> None:
    key = {
        "kind": "server",
        "name": "moodle",
        "origins": ["moodle"],
        "rights": ["write", "erase"],
        "version": "0.0.9",
    }
    with OddBridge(lambda request: Answer(200, key)) as odd:
        waiting_site.configure(odd.url, KEY)
        assert "needs 0.1.0 or later" in waiting_site.run("connection")["findings"][0]


def test_a_learners_token_is_no_key(waiting_site: Site) -> None:
    with OddBridge(lambda request: Answer(200, {"kind": "learner", "version": "0.1.0"})) as odd:
        waiting_site.configure(odd.url, KEY)
        assert "not a server key" in waiting_site.run("connection")["findings"][0]


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_by_all_tasks(waiting_site: Site, status: int) -> None:
    answers = iter([Answer(status, "", {"Retry-After": "1000"})])
    with OddBridge(lambda request: next(answers, None) or all_accepted(request)) as odd:
        waiting_site.configure(odd.url, KEY)
        waiting_site.run("scheduled")
        waiting_site.run("scheduled")
        [said] = waiting_site.mtrace
        assert said.startswith("The bridge has asked for a pause until 20")
        waiting_site.run("adhoc")
        assert len(odd.requests) == 1
        waiting_site.set("local_progressbridge", "pauseduntil", 1)  # the time is over
        waiting_site.run("scheduled")
    assert waiting_site.items() == {(7, 9): (ACKNOWLEDGED, None)}
    assert waiting_site.setting("lastfailure") is None
    assert waiting_site.setting("pauseduntil") is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("Wed, 21 Oct 2099 07:28:00 GMT", 3600),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("99999999", 3600),
        ("60", 60),
        ("-5", 0),
        ("soon", 0),
    ],
)
def test_retry_after_is_understood_up_to_an_hour(
    waiting_site: Site, value: str, seconds: int
) -> None:
    with OddBridge(lambda request: Answer(503, "", {"Retry-After": value})) as odd:
        waiting_site.configure(odd.url, KEY)
        waiting_site.run("scheduled")
    pause = int(waiting_site.setting("pauseduntil") or time.time()) - time.time()
    assert seconds - 10 < pause <= seconds


def test_body_too_large_for_a_proxy_is_halved(waiting_site: Site) -> None:
    for cmid in range(20, 25):
        waiting_site.add_activity(cmid, f"grain-{cmid}")
        waiting_site.complete(cmid, 9)

    def answer(request: Request) -> Answer:
        return Answer(413) if len(request.body) > 2 else all_accepted(request)

    with OddBridge(answer) as odd:
        waiting_site.configure(odd.url, KEY)
        assert waiting_site.run("adhoc") == []
    assert {status for status, _ in waiting_site.items().values()} == {ACKNOWLEDGED}


def test_some_refused_and_some_accepted(waiting_site: Site) -> None:
    """A 207: each answer goes with its own item."""
    for cmid in (20, 21):
        waiting_site.add_activity(cmid, f"grain-{cmid}")
        waiting_site.complete(cmid, 9)

    def answer(request: Request) -> Answer:
        results: list[dict[str, object]] = [{"status": "accepted"} for _ in request.body]
        results[1] = {
            "status": "refused",
            "field": "grain_id",
            "rule": "too odd",
            "value": "g" * 300,
        }
        return Answer(207, {"accepted": 2, "refused": 1, "results": results})

    with OddBridge(answer) as odd:
        waiting_site.configure(odd.url, KEY)
        waiting_site.run("adhoc")
    items = waiting_site.items()
    assert [items[cmid, 9][0] for cmid in (7, 20, 21)] == [ACKNOWLEDGED, 2, ACKNOWLEDGED]
    # A bridge that is older than the codes.
    [(reason,)] = waiting_site.sql(
        "SELECT reason FROM mdl_local_progressbridge_item WHERE status = 2"
    )
    assert reason == f"grain_id: too odd ({'g' * 300}"[:255]
    [refused] = waiting_site.run("status")["refused"]
    assert refused["reason"].startswith("The bridge says: grain_id: too odd (ggg")


def test_the_words_are_in_the_administrators_language(waiting_site: Site) -> None:
    waiting_site.language = "fr"
    assert "Rien n’accepte de connexion" in find(waiting_site, f"http://{HOST}:9")


def test_check_warns_of_a_completion_waiting_two_hours(waiting_site: Site, bridge: Service) -> None:
    assert waiting_site.run("checks")[0]["status"] == "unknown"
    waiting_site.sql("UPDATE mdl_local_progressbridge_item SET timecreated = timecreated - 7200")
    assert waiting_site.run("checks")[0]["status"] == "warning"
    waiting_site.configure(bridge.url, bridge.key)
    waiting_site.add_activity(8, "a/b")
    waiting_site.complete(8, 9)
    waiting_site.run("adhoc")
    [check] = waiting_site.run("checks")
    assert (check["status"], "Refused completions: 1" in check["summary"]) == ("warning", True)


def test_check_does_not_apply_without_an_address(bare_site: Site) -> None:
    assert bare_site.run("checks")[0]["status"] == "na"


def test_a_page_is_for_administrators(waiting_site: Site) -> None:
    for page in ("status.php", "connection.php"):
        with pytest.raises(PhpError, match="accessdenied"):
            waiting_site.page(page, user="teacher")
