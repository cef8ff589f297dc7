"""The pages that an administrator sees, rendered from the plugin's own templates."""

from __future__ import annotations

from typing import Any

import chevron
import pytest

from tests.moodle.odd_bridge import Answer, OddBridge
from tests.moodle.service import Service
from tests.moodle.site import ACKNOWLEDGED, REFUSED, WAITING, PhpError, Site

SESSKEY = "the-sesskey"


def render(site: Site, shown: dict[str, Any]) -> str:
    """The HTML of a page, as Mustache makes it with Moodle's helper for strings."""
    name = shown["template"].split("/")[1]
    template = (site.plugin / f"templates/{name}.mustache").read_text()
    context = {**shown["context"], "str": lambda text, _: string(site, text)}
    html: str = chevron.render(template, context)
    return html


def string(site: Site, text: str) -> str:
    """What Moodle's {{#str}} puts there."""
    identifier, *component = [part.strip() for part in text.split(",")]
    if component != ["local_progressbridge"]:
        return f"core:{identifier}"
    found: str = site.run("string", identifier)
    return found


@pytest.fixture
def refusing_site(site: Site, learner: int) -> Site:
    """A site with two refused completions of one activity, and one of another."""
    site.add_activity(7, "<i>a/b")
    site.add_activity(8, "grain-8")
    site.add_user(learner + 1)
    site.complete(7, learner)
    site.complete(7, learner + 1)
    site.complete(8, learner, at=0)
    site.run("adhoc")
    return site


def test_refused_completions_are_shown_with_the_rule_escaped(refusing_site: Site) -> None:
    html = render(refusing_site, refusing_site.page("status.php"))
    assert "neither one part nor three" in html
    assert "Moodle holds no completion time" in html
    assert "&lt;i&gt;a/b" in html
    assert "<i>a" not in html
    groups = refusing_site.run("status")["refused"]
    assert [(group["cmid"], group["learners"]) for group in groups] == [("7", "2"), ("8", "1")]


def test_button_requeues_an_activitys_refused_completions(
    refusing_site: Site, learner: int
) -> None:
    with pytest.raises(PhpError, match=r"redirect.*sent within minutes"):
        refusing_site.page("status.php", retry="8", sesskey=SESSKEY)
    assert refusing_site.items()[8, learner][0] == WAITING
    assert refusing_site.items()[7, learner][0] == REFUSED
    assert refusing_site.queued() == ["send"]
    refusing_site.write_completion(8, learner)  # mended
    refusing_site.run("adhoc")
    assert refusing_site.items()[8, learner] == (ACKNOWLEDGED, None)


def test_the_other_button_lets_all_wait_again(refusing_site: Site) -> None:
    with pytest.raises(PhpError, match="redirect"):
        refusing_site.page("status.php", retry="-1", sesskey=SESSKEY)
    assert {status for status, _ in refusing_site.items().values()} == {WAITING}
    refusing_site.run("adhoc")
    attempts = refusing_site.sql("SELECT DISTINCT attempts FROM mdl_local_progressbridge_item")
    assert attempts == [(2,)]


@pytest.mark.parametrize(("page", "post"), [("status.php", "retry"), ("connection.php", "test")])
def test_a_button_needs_the_session_key(refusing_site: Site, page: str, post: str) -> None:
    before = refusing_site.items()
    for forged in ({}, {"sesskey": "guessed"}):
        with pytest.raises(PhpError, match="invalidsesskey"):
            refusing_site.page(page, **{post: "1"}, **forged)
    assert refusing_site.items() == before


def test_ignored_activities_are_listed_with_the_reason(site: Site) -> None:
    site.add_activity(20, None)
    site.add_activity(21, "")
    site.add_activity(22, "grain-22")
    site.add_activity(23, "grain-23", completion=0)
    site.add_activity(24, "", completion=0)
    site.add_course(11, idnumber="untracked")
    site.sql("UPDATE mdl_course SET enablecompletion = 0 WHERE id = 11")
    site.add_activity(25, "grain-25", course=11)
    site.add_activity(26, "", course=11)
    shown = site.page("ignored.php")["context"]["activities"]
    assert [(row["editurl"].split("=")[-1], row["reason"]) for row in shown] == [
        ("20", "It has no ID number."),
        ("21", "It has no ID number."),
        ("23", "Its completion tracking is off."),
        ("25", "Completion tracking is off in the course."),
    ]
    facts = {fact["name"]: fact["value"] for fact in site.run("status")["facts"]}
    assert facts["Ignored activities"] == 4


def test_the_names_of_ignored_activities_are_escaped_once(site: Site) -> None:
    site.add_activity(20, "")
    site.sql("UPDATE mdl_course SET fullname = 'A & B'")
    html = render(site, site.page("ignored.php"))
    assert "Activity &amp; 20<" in html
    assert ">A &amp; B<" in html


def test_only_chosen_courses_have_ignored_activities(site: Site) -> None:
    site.add_activity(20, "")
    site.set("local_progressbridge", "courses", "another")
    html = render(site, site.page("ignored.php"))
    assert "No activity is ignored." in html


def test_a_long_list_of_ignored_activities_has_pages(site: Site) -> None:
    for cmid in range(100, 151):
        site.add_activity(cmid, "")
    shown = site.page("ignored.php", page=1)["context"]
    assert len(shown["activities"]) == 1
    assert "page 2 of 2" in shown["pages"]
    assert len(site.page("ignored.php", page=-3)["context"]["activities"]) == 50


def test_a_failure_is_escaped_once(site: Site) -> None:
    answer = Answer(503, {"title": "<b>Down & out</b>"})
    with OddBridge(lambda request: answer) as odd:
        site.configure(odd.url, "key")
        html = render(site, site.page("connection.php", test="1", sesskey=SESSKEY))
        assert "HTTP 503: &lt;b&gt;Down &amp; out&lt;/b&gt;" in html
    html = render(site, site.page("status.php"))
    assert "HTTP 503: &lt;b&gt;Down &amp; out&lt;/b&gt;" in html


def test_button_tests_the_connection(site: Site) -> None:
    html = render(site, site.page("connection.php"))
    assert "alert" not in html
    html = render(site, site.page("connection.php", test="1", sesskey=SESSKEY))
    assert "alert-success" in html
    assert "knows the key moodle" in html


def test_a_failed_test_is_shown_as_such(site: Site, bridge: Service) -> None:
    site.configure(bridge.url, "pb_00000000_" + "x" * 43)
    html = render(site, site.page("connection.php", test="1", sesskey=SESSKEY))
    assert "alert-danger" in html
    assert "does not accept the key" in html


def test_the_status_page_tells_what_is_wrong_first(bare_site: Site) -> None:
    html = render(bare_site, bare_site.page("status.php"))
    assert html.index("not set yet") < html.index("<table")


def test_settings_page_warns_of_blocks_and_masks_key(bare_site: Site) -> None:
    shown = bare_site.run("settings")
    assert "ports other than 80 and 443" in shown["settings"]["local_progressbridge/url"]["help"]
    names = ["apikey", "categories", "courses", "pace", "timeout", "url"]
    assert sorted(shown["settings"]) == [f"local_progressbridge/{name}" for name in names]
    assert "local_progressbridge/apikey" in shown["masked"]


def test_a_chosen_category_that_was_deleted_stays_chosen(site: Site) -> None:
    def choices() -> dict[str, str]:
        found: dict[str, str] = site.run("settings")["settings"]["local_progressbridge/categories"][
            "choices"
        ]
        return found

    assert choices() == {"1": "Top", "2": "Sub"}
    site.configure("http://127.0.0.1:9", "k", categories="2,7")
    assert choices() == {"1": "Top", "2": "Sub", "7": "(deleted category 7)"}


def test_courses_are_known_by_their_short_names(bare_site: Site) -> None:
    assert bare_site.run("validate", ["setting_courses", "C10\r\n"]) is True
    assert bare_site.run("validate", ["setting_courses", "C10\nC11"]).endswith("C11")
