"""The settings of the HTTP service."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bridge import ConfigurationError, Settings
from bridge.config import RateLimits, ServiceSettings


def service(section: Any) -> ServiceSettings:
    return Settings.from_mapping({"store": {"url": "memory:"}, "service": section}).service


def test_without_a_section_nobody_may_anything() -> None:
    assert Settings.from_mapping({"store": {"url": "memory:"}}).service == ServiceSettings()
    assert service({}) == ServiceSettings(keys_file=None, sites=(), guests=False)


def test_the_settings_are_read() -> None:
    found = service(
        {
            "keys_file": "/etc/progress-bridge/keys.yaml",
            "sites": ["https://Cours.example.org:443/", "http://127.0.0.1:8000", "http://[::1]:80"],
            "guests": True,
            "rate_limit": {"key": False, "token": "5/second", "storage": "redis://:hush@h/0"},
            "proxies": ["10.0.0.0/8"],
        }
    )
    assert found.keys_file == Path("/etc/progress-bridge/keys.yaml")
    assert found.sites == ("https://cours.example.org", "http://127.0.0.1:8000", "http://[::1]")
    assert found.guests
    limits = RateLimits(key="off", token="5/second", storage="redis://:hush@h/0")
    assert found.rate_limit == limits
    assert found.proxies == ("10.0.0.0/8",)
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ([1], "service: not a mapping"),
        ({"key_file": "x"}, "service.key_file: no such setting; did you mean keys_file?"),
        ({"keys_file": 3}, "service.keys_file: not a path"),
        ({"sites": "https://a.example"}, "service.sites: not a list"),
        ({"sites": ["*"]}, "service.sites[0]: not an origin"),
        ({"sites": ["https://a.example/page"]}, "service.sites[0]: not an origin"),
        ({"guests": "yes"}, "service.guests: neither true nor false"),
        ({"rate_limit": {"key": "many"}}, "service.rate_limit.key: not a rate such as 300/minute"),
        ({"rate_limit": {"key": 5}}, "service.rate_limit.key: not a rate such as 300/minute"),
        ({"rate_limit": {"storage": "mysql://:hush@h"}}, "neither memory: nor redis://"),
        ({"proxies": ["nobody"]}, "service.proxies: not an address or network: nobody"),
    ],
)
def test_a_wrong_setting_is_named(section: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)) as error:
        service(section)
    assert "hush" not in str(error.value)
