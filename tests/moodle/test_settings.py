"""Each setting has its rule, said when it is saved and kept when it is read."""

from __future__ import annotations

import threading

import pytest

from tests.moodle.odd_bridge import Answer, OddBridge, all_accepted
from tests.moodle.site import Site

KEY = "pb_00000000_" + "s" * 43


def seconds(value: object, unit: int = 1) -> dict[str, object]:
    """A duration as the form sends it."""
    return {"v": value, "u": unit}


@pytest.mark.parametrize("value", ["", "0", " "])
def test_nothing_or_zero_saves_the_default(bare_site: Site, value: str) -> None:
    assert bare_site.run("save", {"timeout": seconds(value), "pace": value}) == {}
    assert (bare_site.setting("timeout"), bare_site.setting("pace")) == ("10", "10000")


def test_what_is_within_bounds_is_saved(bare_site: Site) -> None:
    assert bare_site.run("save", {"timeout": seconds(1, 60), "pace": " 200000 "}) == {}
    assert (bare_site.setting("timeout"), bare_site.setting("pace")) == ("60", "200000")


@pytest.mark.parametrize(
    ("timeout", "pace"),
    [
        (seconds("61"), "200001"),
        (seconds("-3"), "-5"),
        (seconds("2", 60), "1.5"),
        (seconds("1.5"), "many"),
        (seconds("ten"), "0x10"),
        (seconds("9" * 20), "9" * 20),
    ],
)
def test_setting_out_of_bounds_names_its_rule(
    bare_site: Site, timeout: dict[str, object], pace: str
) -> None:
    errors = bare_site.run("save", {"timeout": timeout, "pace": pace})
    assert "from 1 to 60" in errors["timeout"]
    assert "from 1 to 200000" in errors["pace"]
    assert bare_site.setting("timeout") is None
    assert bare_site.setting("pace") is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0", (10, 10000)),
        ("", (10, 10000)),
        ("-5", (10, 10000)),
        ("soon", (10, 10000)),
        ("7", (7, 7)),
        ("999999999", (60, 200000)),
        ("9" * 30, (10, 10000)),
    ],
)
def test_what_cfg_php_writes_is_read_within_bounds(
    bare_site: Site, written: str, read: tuple[int, int]
) -> None:
    bare_site.configure("https://bridge.example.org", KEY, timeout=written, pace=written)
    assert tuple(bare_site.run("limits")) == read


def test_a_timeout_of_zero_waits_the_default(bare_site: Site) -> None:
    release = threading.Event()
    with OddBridge(lambda request: Answer(wait=release)) as odd:
        bare_site.configure(odd.url, KEY, timeout="0")
        assert "within 10 s" in bare_site.run("connection")["findings"][0]
        release.set()


def test_a_negative_pace_sends_all_the_same(bare_site: Site) -> None:
    for cmid in (7, 8):
        bare_site.add_activity(cmid, f"grain-{cmid}")
        bare_site.write_completion(cmid, 2)
    with OddBridge(all_accepted) as odd:
        bare_site.configure(odd.url, KEY, pace="-1")
        bare_site.run("scheduled")
    assert [len(request.body) for request in odd.requests] == [2]


@pytest.mark.parametrize("key", ["two words", "clé", "a\nb"])
def test_impossible_key_is_not_saved(bare_site: Site, key: str) -> None:
    errors = bare_site.run("save", {"apikey": key})
    assert "no space and no accent" in errors["apikey"]
    assert key not in errors["apikey"]
    assert bare_site.run("save", {"apikey": f" {KEY}\n"}) == {}


def test_an_error_is_left_to_moodle_to_escape(bare_site: Site) -> None:
    errors = bare_site.run("save", {"url": "http://x/?a=<b>&c", "courses": "<i>A&B"})
    assert "http://x/?a=<b>&c cannot" in errors["url"]
    assert errors["courses"].endswith("<i>A&B")


@pytest.mark.parametrize("categories", ["77", "Sciences", "-1"])
def test_unknown_category_does_not_mean_everything(bare_site: Site, categories: str) -> None:
    bare_site.add_activity(7, "grain-1")
    bare_site.write_completion(7, 2)
    with OddBridge(all_accepted) as odd:
        bare_site.configure(odd.url, KEY, categories=categories)
        bare_site.run("scheduled")
    assert odd.requests == []
    facts = {fact["name"]: fact["value"] for fact in bare_site.run("status")["facts"]}
    assert facts["Chosen categories that do not exist"] == categories
