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
from collections.abc import Iterator, Mapping
from functools import lru_cache
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

from bridge import Bridge, ConfigurationError, Settings
from bridge.config import ENVIRONMENT
from bridge.config.fields import as_mapping
from bridge.origins.funmooc import LearnerId
from bridge.outbox.sqlite import SQLiteOutbox

KEY: Final = "ProgressXBlock"
"""Where Open edX's ``XBLOCK_SETTINGS`` holds the block's."""

TIMEOUTS: Final[Mapping[str, Mapping[str, float]]] = {
    "store": {"connect_timeout": 1.0, "read_timeout": 2.0},
    "outbox": {"timeout": 1.0},
}
"""Seconds, unless the deployment says otherwise: an LMS worker waits while there is no answer, and
a learner in front of it."""

PATIENT: Final[Mapping[str, Mapping[str, float]]] = {}
"""No time-outs but the bridge's own, for where nobody waits."""

_ELSEWHERE: Final = {"url": "memory:"}
"""Stands for the store where there is an outbox: it is its deliverer's matter, and so is its token,
which the LMS then does not have to hold."""

_OWN: Final = ("learner_id", "budget", "mini_site")


def section(value: object) -> Mapping[str, Any]:
    """The block's settings, as the platform holds them; none where it has none.

    Raises:
        ConfigurationError: they are no mapping.
    """
    return as_mapping(f"XBLOCK_SETTINGS[{KEY!r}]", {} if value is None else value)


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
        raise ConfigurationError(f"learner_id: not one of {names}: {_shown(value)}") from None


def budget(block_settings: Mapping[str, Any]) -> float:
    """Seconds that passing a completion on may take while the learner waits; 3 unless set.

    Raises:
        ConfigurationError: not a number from 0.1 to 30.
    """
    value = block_settings.get("budget", 3.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.1 <= value <= 30:
        raise ConfigurationError(f"budget: not a number of seconds from 0.1 to 30: {_shown(value)}")
    return float(value)


def _shown(value: object) -> str:
    """The value, where it is plain: another may be a section that slipped, with its secrets."""
    plain = value is None or isinstance(value, int | float | str)
    return ascii(value)[:40] if plain else f"a {type(value).__name__}"


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

    A token that is replaced in its file, or a setting that is mended, counts from the next click
    on: they are read again whenever one of them, or a file that they name, is not what it was.

    Args:
        block_settings: what the ``settings`` service gives.
        environ: wins over them.
        timeouts: by section, those that hold where none are set; seconds.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    mapping = {key: value for key, value in block_settings.items() if key not in _OWN}
    variables = {name: environ[name] for name in ENVIRONMENT if environ.get(name)}
    named = {*mapping, *(ENVIRONMENT[name][0] for name in variables)}
    if "outbox" in named and "store" not in named:
        mapping["store"] = _ELSEWHERE
    for section, times in timeouts.items():
        inner = mapping.get(section, {} if section in named | {"store"} else None)
        if isinstance(inner, Mapping):
            mapping[section] = {**times, **inner}
    return _read(_Given(mapping, variables))


class _Given:
    """Settings as they were given, and the same again for as long as reading them gives the same.

    Reading them takes longer than all the rest of a click.
    """

    def __init__(self, mapping: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        self.mapping = mapping
        self.variables = variables
        self._all = (repr(mapping), repr(variables), *map(_stamp, _files(mapping, variables)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Given) and self._all == other._all

    def __hash__(self) -> int:
        return hash(self._all)


@lru_cache(maxsize=8)
def _read(given: _Given) -> Settings:
    return Settings.from_mapping(given.mapping, given.variables)


def _files(*mappings: Mapping[str, Any]) -> Iterator[str]:
    """The files that settings name: ``…_file``, in the environment ``…_FILE``."""
    for mapping in mappings:
        for name, value in mapping.items():
            if str(name).lower().endswith("_file"):
                yield str(value)
            elif isinstance(value, list | tuple):
                yield from _files(*(item for item in value if isinstance(item, Mapping)))
            elif isinstance(value, Mapping):
                yield from _files(value)


def _stamp(path: str) -> tuple[int, ...]:
    """What changes when the file does; empty when it is not there."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def check(block_settings: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Settings:
    """Read every setting at once, the block's own included.

    Raises:
        ConfigurationError: naming the first that is wrong.
    """
    for read in (learner_id, budget, mini_site):
        read(block_settings)
    return settings_for(block_settings, environ)


def puts_into_file(bridge: Bridge) -> bool:
    """Whether a click ends with a file of this machine: nothing to wait for but its lock."""
    return isinstance(bridge.outbox, SQLiteOutbox)


def bridge_for(
    block_settings: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> Bridge:
    """The bridge that the settings and the environment name: one in each process.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    settings = settings_for(block_settings, environ)
    with _MAKING:  # first clicks that come together would each make one
        return _bridge(settings)


_MAKING: Final = Lock()


@lru_cache(maxsize=8)  # more than one only while settings change
def _bridge(settings: Settings) -> Bridge:
    return Bridge.from_settings(settings)
