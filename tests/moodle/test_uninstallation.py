"""Whoever waits to be erased is not forgotten when the plugin is uninstalled."""

from __future__ import annotations

import pytest

from tests.moodle.service import Service, eventually
from tests.moodle.site import Site

ASKED = {"uninstall": "local_progressbridge"}


@pytest.fixture
def erasing_site(site: Site, bridge: Service, learner: int) -> Site:
    """A site with a learner who waits to be erased from the bridge."""
    site.add_activity(7, "grain-1")
    site.complete(7, learner)
    site.run("adhoc")
    eventually(lambda: len(bridge.rows(learner)) == 1)
    site.run("privacy", ["delete_user", learner])
    return site


def test_moodle_warns_before_it_uninstalls(erasing_site: Site) -> None:
    [words] = erasing_site.run("warnings", ["/admin/plugins.php", ASKED])
    assert "waiting to be erased from the progress bridge: 1" in words


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/my/", ASKED),
        ("/admin/plugins.php", {}),
        ("/admin/plugins.php", {"uninstall": "local_other"}),
        ("/admin/plugins.php", {**ASKED, "confirm": "1"}),
    ],
)
def test_other_pages_warn_of_nothing(erasing_site: Site, path: str, params: dict[str, str]) -> None:
    assert erasing_site.run("warnings", [path, params]) == []


def test_nobody_waiting_is_no_warning(site: Site) -> None:
    assert site.run("warnings", ["/admin/plugins.php", ASKED]) == []


def test_uninstalling_erases_those_that_wait(
    erasing_site: Site, bridge: Service, learner: int
) -> None:
    assert erasing_site.run("uninstall") == ""
    assert bridge.rows(learner) == []


def test_uninstalling_names_those_that_stay(
    erasing_site: Site, bridge: Service, learner: int
) -> None:
    bridge.stop()
    words = erasing_site.run("uninstall")
    assert f"could not be: {learner}." in words
    assert "Nothing accepts connections" in words
    assert "progress-bridge erase moodle" in words


def test_uninstalling_without_an_address_names_them_too(erasing_site: Site, learner: int) -> None:
    erasing_site.configure("", "")
    assert f"could not be: {learner}." in erasing_site.run("uninstall")
