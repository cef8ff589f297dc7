"""What the platform team set for the block, and the bridge that follows from it.

``XBLOCK_SETTINGS["ProgressXBlock"]`` has the shape of the bridge's YAML file (`bridge.config`), and
three settings of the block's own::

    learner_id: platform   # or course: which anonymous id stands for a learner
    budget: 3.0            # seconds that a learner's click may take
    mini_site: https://mini.example.org   # whose pages authors may embed
    store:
      url: https://directus.example.org
      token_file: /run/secrets/directus-token
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from bridge import Bridge, ConfigurationError, Settings
from bridge.config import ENVIRONMENT
from bridge.origins.funmooc import LearnerId

KEY: Final = "ProgressXBlock"
"""Where Open edX's ``XBLOCK_SETTINGS`` holds the block's."""

TIMEOUTS: Final[Mapping[str, Mapping[str, float]]] = {
    "store": {"connect_timeout": 1.0, "read_timeout": 2.0},
    "outbox": {"timeout": 1.0},
}
"""Seconds, unless the deployment says otherwise: an LMS worker waits while there is no answer, and
a learner in front of it."""

PATIENT: Final[Mapping[str, Mapping[str, float]]] = {"store": {}, "outbox": {}}
"""No time-outs but the bridge's own, for where nobody waits."""

_OWN: Final = ("learner_id", "budget", "mini_site")


def learner_id(block_settings: Mapping[str, Any]) -> LearnerId:
    """Which anonymous id stands for a learner; platform-wide unless set.

    Raises:
        ConfigurationError: it is set to something else than ``platform`` or ``course``.
    """
    value = block_settings.get("learner_id", LearnerId.PLATFORM)
    try:
        return LearnerId(value)
    except ValueError:
        names = ", ".join(LearnerId)
        raise ConfigurationError(f"learner_id: not one of {names}: {value}") from None


def budget(block_settings: Mapping[str, Any]) -> float:
    """Seconds that passing a completion on may take while the learner waits; 3 unless set.

    Raises:
        ConfigurationError: not a number from 0.1 to 30.
    """
    value = block_settings.get("budget", 3.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.1 <= value <= 30:
        raise ConfigurationError(f"budget: not a number of seconds from 0.1 to 30: {value}")
    return float(value)


def mini_site(block_settings: Mapping[str, Any]) -> str | None:
    """The URL, without a slash at its end, under which embedded pages are; None when none is set.

    Raises:
        ConfigurationError: not an ``https:`` (or, to try things out, ``http:``) URL of a host and
            a path alone.
    """
    value = block_settings.get("mini_site")
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        usable = bool(parts.scheme in ("https", "http") and parts.hostname and parts.port != 0)
    except (ValueError, AttributeError, TypeError):
        usable = False
    if not usable or parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError("mini_site: not an https: URL of a host and a path alone")
    return str(value).rstrip("/")


def settings_for(
    block_settings: Mapping[str, Any],
    environ: Mapping[str, str] = os.environ,
    timeouts: Mapping[str, Mapping[str, float]] = TIMEOUTS,
) -> Settings:
    """The bridge's settings, from the block's and the environment.

    They are read again each time, so that a token that is replaced in its file, or a setting that
    is mended, counts from the next click on.

    Args:
        block_settings: what the ``settings`` service gives.
        environ: wins over them.
        timeouts: by section, those that hold where none are set; seconds.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    mapping = {key: value for key, value in block_settings.items() if key not in _OWN}
    for section, times in timeouts.items():
        inner = mapping.get(section, {} if section in _needed(environ) else None)
        if isinstance(inner, Mapping):
            mapping[section] = {**times, **inner}
    return Settings.from_mapping(mapping, environ)


def _needed(environ: Mapping[str, str]) -> set[str]:
    """The sections that there have to be, though the block's settings may not have them."""
    return {"store"} | {section for name, (section, _) in ENVIRONMENT.items() if environ.get(name)}


def check(block_settings: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Settings:
    """Read every setting at once, the block's own included.

    Raises:
        ConfigurationError: naming the first that is wrong.
    """
    for read in (learner_id, budget, mini_site):
        read(block_settings)
    return settings_for(block_settings, environ)


def bridge_for(
    block_settings: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> Bridge:
    """The bridge that the settings and the environment name: one in each process.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    return _bridge(settings_for(block_settings, environ))


@lru_cache(maxsize=8)  # more than one only while settings change
def _bridge(settings: Settings) -> Bridge:
    return Bridge.from_settings(settings)
