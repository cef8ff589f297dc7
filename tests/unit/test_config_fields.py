"""Every setting carries its check, and `read_section` is all that reads one."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

import pytest

from bridge import config
from bridge.config.fields import Secret, as_seconds, as_secret, checked, read_section
from bridge.errors import ConfigurationError

SECTIONS = [
    *(config.Settings, config.StoreSettings, config.Names, config.LearnerFields),
    *(config.ProgressFields, config.OutboxSettings, config.DeliverySettings),
    *(config.ServiceSettings, config.RateLimits, config.TokenSettings, config.TokenKey),
]
SETTINGS = [
    pytest.param(setting, id=f"{section.__name__}.{setting.name}")
    for section in SECTIONS
    for setting in fields(section)
]
DEFAULTS = [setting for setting in SETTINGS if setting.values[0].default not in (None, MISSING)]


@dataclass(kw_only=True)
class Section:
    needed: float = field(metadata=checked(as_seconds))
    wait: float = field(default=5.0, metadata=checked(as_seconds))
    token: Secret | None = field(default=None, metadata=checked(as_secret, or_file=True))


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_carries_its_check(setting: Field[Any]) -> None:
    assert callable(setting.metadata["check"])


@pytest.mark.parametrize("setting", DEFAULTS)
def test_a_default_passes_its_own_check(setting: Field[Any]) -> None:
    given = setting.default
    written = list(given) if isinstance(given, tuple | frozenset) else given
    assert setting.metadata["check"](setting.name, written) == setting.default


def test_what_is_left_out_has_its_default() -> None:
    assert read_section(Section, "part", {"needed": 1}) == Section(needed=1.0)


def test_a_setting_without_default_is_asked_for() -> None:
    with pytest.raises(ConfigurationError, match=r"part\.needed: not a number of seconds"):
        read_section(Section, "part", {"wait": 1})


def test_null_is_no_default() -> None:
    with pytest.raises(ConfigurationError, match=r"part\.wait: not a number of seconds.*None"):
        read_section(Section, "part", {"needed": 1, "wait": None})


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hush\n")
    given = {"needed": 1, "token_file": str(tmp_path / "token")}
    assert read_section(Section, "part", given).token == Secret("hush")
    with pytest.raises(ConfigurationError, match=r"part\.token and part\.token_file: give one"):
        read_section(Section, "part", {**given, "token": "hush"})


def test_another_setting_has_no_file() -> None:
    with pytest.raises(ConfigurationError, match=r"part\.wait_file: no such setting"):
        read_section(Section, "part", {"needed": 1, "wait_file": "x"})
