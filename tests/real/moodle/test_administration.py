"""What an administrator of a real Moodle sees: installation, settings, status, uninstallation."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.moodle.service import Service
from tests.real.moodle.site import Administrator, Moodle

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def unreachable(moodle: Moodle, bridge: Service) -> Iterator[Moodle]:
    """Give a Moodle whose bridge is at another address, for one test."""
    moodle.configure("local_progressbridge", "url", NOBODY)
    yield moodle
    if not moodle.code.plugin.exists() or "version" not in moodle.act("settings"):
        moodle.upgrade()
    moodle.know(bridge.url, bridge.port, bridge.key)


def text(html: str) -> str:
    """Return a page's words."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_schema_is_what_the_plugin_says(moodle: Moodle) -> None:
    assert "structure is ok" in moodle.cli("check_database_schema")


def test_the_new_settings_name_the_plugin(moodle: Moodle, administrator: Administrator) -> None:
    moodle.unset("local_progressbridge", "timeout")
    shown = text(administrator.get("/admin/upgradesettings.php"))
    assert "New settings - Progress bridge settings" in shown
    assert administrator.save(timeout=("", 1)) == []
    assert moodle.act("settings")["timeout"] == "10"


@pytest.mark.parametrize("value", ["", "0"])
def test_nothing_or_zero_saves_the_default(
    moodle: Moodle, administrator: Administrator, value: str
) -> None:
    assert administrator.save(timeout=(value, 1), pace=value) == []
    settings = moodle.act("settings")
    assert (settings["timeout"], settings["pace"]) == ("10", "10000")


@pytest.mark.parametrize(
    ("timeout", "pace"), [("61", "200001"), ("-3", "-5"), ("1.5", "many"), ("9" * 20, "9" * 20)]
)
def test_out_of_bounds_is_refused_with_the_rule(
    administrator: Administrator, timeout: str, pace: str
) -> None:
    first, second = administrator.save(timeout=(timeout, 1), pace=pace)
    assert "from 1 to 60" in first
    assert "from 1 to 200000" in second


def test_an_error_is_escaped_once(administrator: Administrator) -> None:
    [error] = administrator.save(courses="<i>A&B")
    assert error.endswith("&lt;i&gt;A&amp;B")


def test_a_test_clears_an_error_and_a_pause(
    unreachable: Moodle, administrator: Administrator, bridge: Service
) -> None:
    tried = text(administrator.post("/local/progressbridge/connection.php", test=1))
    assert "Moodle itself blocks" in tried
    assert unreachable.act("check")[0] == "error"
    unreachable.know(bridge.url, bridge.port, bridge.key)
    tried = text(administrator.post("/local/progressbridge/connection.php", test=1))
    assert "All is well" in tried
    assert unreachable.act("check")[0] in ("ok", "info", "warning")
    assert "Moodle itself blocks" not in text(administrator.get("/local/progressbridge/status.php"))


def test_ignored_activities_are_listed(moodle: Moodle, administrator: Administrator) -> None:
    seeded = moodle.act("seed", "", {"A <b>page</b> & more": {"idnumber": ""}})
    shown = administrator.get("/local/progressbridge/ignored.php")
    assert f"modedit.php?update={seeded['cms']['A <b>page</b> & more']}" in shown
    assert "It has no ID number." in shown
    assert "&amp;amp;" not in shown


@pytest.mark.parametrize("page", ["status", "connection", "ignored"])
def test_a_page_shows_no_warning_of_php(administrator: Administrator, page: str) -> None:
    shown = administrator.get(f"/local/progressbridge/{page}.php")
    for sign in ("Warning:", "Notice:", "Deprecated:", "Debug info", "[["):
        assert sign not in text(shown)


def test_uninstalling_warns_of_whoever_waits_to_be_erased(
    unreachable: Moodle, administrator: Administrator
) -> None:
    page = "/admin/plugins.php?uninstall=local_progressbridge"
    assert "waiting to be erased" not in text(administrator.get(page))
    learner = unreachable.act("seed", "", {})["learner"]
    unreachable.act("erase", learner)
    assert "waiting to be erased from the progress bridge: 1" in text(administrator.get(page))
    said = unreachable.cli("uninstall_plugins", "--plugins=local_progressbridge", "--run")
    assert f"could not be: {learner}." in said
    assert "progress-bridge erase moodle" in said
