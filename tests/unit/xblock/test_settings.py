"""What the platform team sets, and the bridge that follows from it."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from bridge import ConfigurationError, Settings, StoreUnavailable
from bridge.origins.funmooc import LearnerId
from progress_xblock.settings import (
    bridge_for,
    budget,
    check_settings,
    click_settings,
    learner_id,
    mini_site,
    settings_for,
)


@pytest.fixture
def settings(tmp_path):
    return {"store": {"url": f"sqlite:///{tmp_path}/progress.db"}}


def bridge_of(block_settings, environ=None):
    return bridge_for(click_settings(block_settings, environ or {}))


def test_the_platform_wide_id_is_the_default():
    assert learner_id({}) is LearnerId.PLATFORM
    assert learner_id({"learner_id": "course"}) is LearnerId.COURSE


@pytest.mark.parametrize("value", ["both", "", None, 1, ["platform"]])
def test_another_learner_id_is_refused_by_name(value):
    with pytest.raises(ConfigurationError, match="learner_id: not one of platform, course"):
        learner_id({"learner_id": value})


def test_clicks_share_one_bridge(settings):
    assert bridge_of(dict(settings)) is bridge_of({**settings, "learner_id": "course"})


def test_first_clicks_that_come_together_share_one_bridge(settings):
    together = Barrier(10)

    def click(_):
        together.wait()
        return bridge_of(settings)

    with ThreadPoolExecutor(10) as requests:
        assert len(set(requests.map(click, range(10)))) == 1


def test_another_configuration_has_another_bridge(settings, tmp_path):
    other = {"store": {"url": f"sqlite:///{tmp_path}/other.db"}}
    assert bridge_of(settings) is not bridge_of(other)


def test_a_replaced_token_counts_from_the_next_click(tmp_path):
    token = tmp_path / "token"
    settings = {"store": {"url": "http://127.0.0.1:9", "token_file": str(token)}}
    token.write_text("old")
    before = bridge_of(settings)
    token.write_text("new")
    assert bridge_of(settings) is not before


def test_the_environment_wins_over_the_settings(settings):
    environ = {"PROGRESS_BRIDGE_STORE_URL": "memory:"}
    assert type(bridge_of(settings, environ).store).__name__ == "MemoryStore"


def test_the_environment_alone_is_enough():
    assert bridge_of({}, {"PROGRESS_BRIDGE_STORE_URL": "memory:"})


@pytest.fixture
def read_settings(monkeypatch):
    read = []
    monkeypatch.setattr("progress_xblock.settings._bridge", read.append)
    return read


def test_an_lms_worker_waits_at_most_three_seconds(settings, read_settings):
    bridge_of(settings)
    (read,) = read_settings
    assert read.store.connect_timeout + read.store.read_timeout <= 3


def test_time_outs_that_are_set_stand(settings, read_settings):
    settings["store"]["read_timeout"] = 8
    bridge_of(settings)
    assert read_settings[0].store.read_timeout == 8


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "store.url: missing"),
        ({"store": "sqlite:///x"}, "store: not a mapping"),
        ({"store": {"url": "memory:"}, "learner": "course"}, "learner: no such setting"),
        ({"store": {"url": "http://127.0.0.1:9"}}, "Directus needs a token"),
    ],
)
def test_wrong_settings_are_named(wrong, message):
    with pytest.raises(ConfigurationError, match=message):
        bridge_of(wrong)


def test_a_silent_store_costs_three_seconds():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        bridge = bridge_of({"store": {"url": url, "token": "t"}})
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            bridge.record("funmooc", "0123456789abcdef", "grain-1")
    assert time.monotonic() - started < 9  # 10 and more, were it the bridge's own time-out


def test_an_outbox_is_waited_for_a_second(settings, read_settings):
    bridge_of({**settings, "outbox": {"url": "redis://127.0.0.1"}})
    bridge_of(settings, {"PROGRESS_BRIDGE_OUTBOX_URL": "redis://127.0.0.1"})
    bridge_of({**settings, "outbox": {"url": "redis://127.0.0.1", "timeout": 4}})
    assert [read.outbox.timeout for read in read_settings] == [1.0, 1.0, 4.0]


@pytest.mark.parametrize("where", ["settings", "environment"])
def test_with_an_outbox_no_store_is_needed(tmp_path, where):
    url = f"sqlite:///{tmp_path}/outbox.db"
    given = {"outbox": {"url": url}} if where == "settings" else {}
    environ = {"PROGRESS_BRIDGE_OUTBOX_URL": url} if where == "environment" else {}
    bridge = bridge_of(given, environ)
    assert bridge.record("funmooc", "learner", "grain-1").status == "accepted"
    assert bridge.outbox.counts().waiting == 1


def test_a_store_beside_an_outbox_is_checked(tmp_path):
    given = {"outbox": {"url": f"sqlite:///{tmp_path}/o.db"}, "store": {"url": "https://d.test"}}
    with pytest.raises(ConfigurationError, match="Directus needs a token"):
        bridge_of(given)


def test_no_outbox_is_made_up(settings, read_settings):
    bridge_of(settings)
    assert read_settings[0].outbox is None


@pytest.mark.parametrize("value", [0.1, 3, 30])
def test_a_budget_within_bounds_is_kept(value):
    assert budget({"budget": value}) == value


def test_a_mini_site_is_host_and_path():
    assert mini_site({}) is None
    assert mini_site({"mini_site": "https://mini.example.org/"}) == "https://mini.example.org"
    assert mini_site({"mini_site": "http://127.0.0.1:8080/a/"}) == "http://127.0.0.1:8080/a"


@pytest.mark.parametrize(
    "value",
    [
        "",
        7,
        "mini.example.org",
        "ftp://mini.example.org",
        "javascript:alert(1)",
        "https://",
        "https://user:secret@mini.example.org",
        "https://user@mini.example.org",
        "https://mini.example.org?a=1",
        "https://mini.example.org#token",
        "https://mini.example.org:port",
    ],
)
def test_another_mini_site_is_refused_and_not_shown(value):
    with pytest.raises(ConfigurationError, match="mini_site: not an https: URL") as caught:
        mini_site({"mini_site": value})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"learner_id": "both"}, "learner_id"),
        ({"budget": 0}, "budget"),
        ({"mini_site": "x"}, "mini_site"),
        ({"outbox": {"url": "amqp://x"}}, "outbox.url"),
    ],
)
def test_a_check_reads_every_setting(settings, wrong, name):
    with pytest.raises(ConfigurationError, match=name):
        check_settings({**settings, **wrong}, {})


def test_a_check_of_right_settings_gives_them(settings):
    assert check_settings(settings, {}).store.scheme == "sqlite"


class TestSettingsAreReadAgainOnlyWhenSomethingChanged:
    @pytest.fixture
    def read(self, monkeypatch):
        times = []
        whole = Settings.from_mapping

        def from_mapping(*given):
            times.append(given)
            return whole(*given)

        monkeypatch.setattr(Settings, "from_mapping", from_mapping)
        return times

    def test_the_same_settings_are_read_once(self, settings, read):
        for _ in range(3):
            settings_for(dict(settings), {"OTHER": str(len(read))})
        assert len(read) == 1

    def test_another_setting_or_variable_is_another_reading(self, settings, read):
        settings_for(settings, {})
        settings_for({**settings, "store_email": True}, {})
        settings_for(settings, {"PROGRESS_BRIDGE_OUTBOX_URL": "redis://127.0.0.1"})
        assert len(read) == 3

    def test_a_named_file_that_changes_is_reread(self, tmp_path, read):
        key = tmp_path / "key"
        given = {
            "store": {"url": "memory:"},
            "tokens": {"keys": [{"id": "k", "secret_file": str(key)}]},
        }
        for text in ("a" * 32, "b" * 32):
            key.write_text(text)
            (found,) = settings_for(given, {}).tokens.keys
            assert found.secret.reveal() == text
        assert len(read) == 2

    def test_a_variables_file_is_reread(self, tmp_path):
        token = tmp_path / "token"
        environ = {"PROGRESS_BRIDGE_STORE_TOKEN_FILE": str(token)}
        given = {"store": {"url": "http://127.0.0.1:9"}}
        for text in ("old", "new"):
            token.write_text(text)
            assert settings_for(given, environ).store.token.reveal() == text

    def test_what_is_wrong_is_said_until_mended(self, tmp_path):
        given = {"store": {"url": "http://127.0.0.1:9", "token_file": str(tmp_path / "token")}}
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="cannot read"):
                settings_for(given, {})
        (tmp_path / "token").write_text("t")
        assert settings_for(given, {}).store.token
