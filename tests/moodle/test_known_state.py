"""The check and the status page say what is known, and what is mended clears by itself."""

from __future__ import annotations

import time

import pytest

from tests.moodle.odd_bridge import Answer, OddBridge, Request, all_accepted
from tests.moodle.service import Service
from tests.moodle.site import Site

KEY = "pb_00000000_" + "s" * 43
GOOD_KEY = {
    "kind": "server",
    "name": "moodle",
    "origins": ["moodle"],
    "rights": ["write", "erase"],
    "version": "0.1.0",
}


def check(site: Site) -> tuple[str, str]:
    """Status and summary of the plugin's check."""
    [found] = site.run("checks")
    return found["status"], found["summary"]


def facts(site: Site) -> dict[str, str]:
    """The figures of the status page."""
    return {fact["name"]: fact["value"] for fact in site.run("status")["facts"]}


def sound(request: Request) -> Answer:
    """What a sound bridge answers."""
    return Answer(200, GOOD_KEY) if request.method == "GET" else all_accepted(request)


def waiting(site: Site, url: str) -> None:
    """A completion that waits for the bridge at an address."""
    site.configure(url, KEY, timeout=1)
    site.add_user(9)
    site.add_activity(7, "grain-1")
    site.complete(7, 9)


def test_the_check_says_that_nothing_was_sent_yet(bare_site: Site) -> None:
    bare_site.configure("https://bridge.example.org", KEY)
    status, words = check(bare_site)
    assert (status, "Nothing has been sent" in words) == ("unknown", True)


def test_a_passed_test_is_known_to_the_check(site: Site) -> None:
    assert site.run("connection")["passed"]
    status, words = check(site)
    assert (status, "the test on" in words) == ("info", True)
    assert facts(site)["Connection test last passed"] != "[[never,]]"


def test_the_check_is_ok_once_something_arrived(site: Site, learner: int) -> None:
    site.add_activity(7, "grain-1")
    site.complete(7, learner)
    site.run("adhoc")
    status, words = check(site)
    assert (status, "last success was on" in words) == ("ok", True)


def test_a_failed_last_attempt_is_a_warning(bare_site: Site) -> None:
    with OddBridge(lambda request: Answer(503, {"title": "<b>Down</b>"})) as odd:
        waiting(bare_site, odd.url)
        bare_site.run("scheduled")
    status, words = check(bare_site)
    assert status == "warning"
    assert "The last attempt, on " in words
    assert "&lt;b&gt;Down&lt;/b&gt;" in words  # Moodle shows a check's words as HTML


@pytest.mark.parametrize("answer", [Answer(503), Answer(401)])
def test_a_mended_error_clears_with_nothing_to_send(bare_site: Site, answer: Answer) -> None:
    with OddBridge(lambda request: answer) as odd:
        waiting(bare_site, odd.url)
        bare_site.run("scheduled")
    assert bare_site.run("status")["failure"]
    bare_site.sql("DELETE FROM mdl_local_progressbridge_item")
    bare_site.sql("DELETE FROM mdl_course_modules_completion")
    with OddBridge(sound) as odd:
        bare_site.configure(odd.url, KEY)
        bare_site.run("scheduled")
        assert [request.path for request in odd.requests] == ["/v1/key"]
        bare_site.run("scheduled")
        assert len(odd.requests) == 1
    assert bare_site.run("status")["failure"] is None


def test_a_passed_test_clears_an_error(site: Site, bridge: Service) -> None:
    site.configure(bridge.url, "pb_00000000_" + "x" * 43)
    assert not site.run("connection")["passed"]
    assert check(site)[0] == "error"
    site.configure(bridge.url, bridge.key)
    assert site.run("connection")["passed"]
    assert check(site)[0] == "info"
    assert site.run("status")["failure"] is None


def test_a_passed_test_ends_a_pause(bare_site: Site) -> None:
    answers = iter([Answer(429, "", {"Retry-After": "1800"})])
    with OddBridge(lambda request: next(answers, None) or sound(request)) as odd:
        waiting(bare_site, odd.url)
        bare_site.run("scheduled")
        assert "Pause that the bridge asked for, until" in facts(bare_site)
        assert bare_site.run("connection")["passed"]
        assert "Pause that the bridge asked for, until" not in facts(bare_site)
        bare_site.run("scheduled")
        assert odd.requests[-1].method == "POST"


def test_a_pause_is_shown_with_its_end(bare_site: Site) -> None:
    with OddBridge(lambda request: Answer(503, "", {"Retry-After": "1800"})) as odd:
        waiting(bare_site, odd.url)
        bare_site.run("scheduled")
    end = time.strftime("%Y-%m-%d %H:%M", time.gmtime(int(bare_site.setting("pauseduntil") or 0)))
    assert facts(bare_site)["Pause that the bridge asked for, until"] == end
    bare_site.run("scheduled")
    assert f"a pause until {end}" in bare_site.mtrace[0]


def test_a_pause_longer_than_any_is_over(bare_site: Site) -> None:
    """The clock of Moodle's server was set back."""
    with OddBridge(sound) as odd:
        waiting(bare_site, odd.url)
        bare_site.set("local_progressbridge", "pauseduntil", int(time.time()) + 10**6)
        bare_site.run("scheduled")
    assert odd.requests


def test_missing_address_is_not_kept_as_an_error(bare_site: Site) -> None:
    waiting(bare_site, "https://bridge.example.org")
    bare_site.configure("", "")
    assert bare_site.run("adhoc")
    bare_site.configure("https://bridge.example.org", KEY)
    assert bare_site.run("status")["failure"] is None


def test_a_failed_test_takes_an_old_errors_place(bare_site: Site) -> None:
    with OddBridge(lambda request: Answer(401)) as odd:
        waiting(bare_site, odd.url)
        bare_site.run("scheduled")
        assert "does not accept the key" in bare_site.run("status")["failure"]
    bare_site.run("connection")
    assert "Nothing accepts connections" in bare_site.run("status")["failure"]
