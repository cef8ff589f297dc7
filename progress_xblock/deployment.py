"""What the platform team set for the block, and the bridge that follows from it.

``XBLOCK_SETTINGS["ProgressXBlock"]`` has the shape of the bridge's YAML file (`bridge.config`), and
one setting of the block's own::

    learner_id: platform   # or course: which anonymous id stands for a learner
    store:
      url: https://directus.example.org
      token_file: /run/secrets/directus-token
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from bridge import Bridge, ConfigurationError, Settings
from bridge.origins.funmooc import LearnerId

TIMEOUTS: Final = {"connect_timeout": 1.0, "read_timeout": 2.0}
"""Seconds, unless the deployment says otherwise: an LMS worker waits while the store does not
answer, and a learner in front of it."""

_OWN: Final = ("learner_id",)


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


def bridge_for(
    block_settings: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> Bridge:
    """The bridge that the settings and the environment name: one in each process.

    The settings are read again each time, so that a token that is replaced in its file, or a
    setting that is mended, counts from the next click on.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    mapping = {key: value for key, value in block_settings.items() if key not in _OWN}
    store = mapping.get("store") or {}
    if isinstance(store, Mapping):
        mapping["store"] = {**TIMEOUTS, **store}
    return _bridge(Settings.from_mapping(mapping, environ))


@lru_cache(maxsize=8)  # more than one only while settings change
def _bridge(settings: Settings) -> Bridge:
    return Bridge.from_settings(settings)
