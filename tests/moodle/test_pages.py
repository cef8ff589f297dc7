"""The pages that an administrator sees, rendered from the plugin's own templates."""

from __future__ import annotations

from typing import Any

import chevron
import pytest

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


def test_the_button_lets_the_refused_of_an_activity_wait_again(
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


def test_the_connection_is_tested_when_the_button_is_pressed(site: Site) -> None:
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


def test_the_settings_page_warns_of_blocked_hosts_and_masks_the_key(bare_site: Site) -> None:
    shown = bare_site.run("settings")
    assert "ports other than 80 and 443" in shown["settings"]["local_progressbridge/url"]["help"]
    names = ["apikey", "categories", "courses", "pace", "timeout", "url"]
    assert sorted(shown["settings"]) == [f"local_progressbridge/{name}" for name in names]
    settings = (bare_site.plugin / "settings.php").read_text()
    assert (
        "new admin_setting_configpasswordunmask(\n            'local_progressbridge/apikey'"
        in settings
    )


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
