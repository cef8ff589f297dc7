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
from bridge.config import ENVIRONMENT, as_mapping
from bridge.origins.funmooc import LearnerId

SETTINGS_KEY: Final = "ProgressXBlock"
"""Where Open edX's ``XBLOCK_SETTINGS`` holds the block's."""

CLICK_TIMEOUTS: Final[Mapping[str, Mapping[str, float]]] = {
    "store": {"connect_timeout": 1.0, "read_timeout": 2.0},
    "outbox": {"timeout": 1.0},
}
"""Seconds, unless the deployment says otherwise: an LMS worker waits while there is no answer, and
a learner in front of it."""

_STORE_ELSEWHERE: Final = {"url": "memory:"}
"""Stands for the store where there is an outbox: it is its deliverer's matter, and so is its token,
which the LMS then does not have to hold."""

OWN_SETTINGS: Final = ("learner_id", "budget", "mini_site")
"""Those that are not the bridge's."""


def as_block_settings(value: object) -> Mapping[str, Any]:
    """Return the block's settings as the platform holds them, none where it has none.

    Raises:
        ConfigurationError: they are no mapping.
    """
    return as_mapping(f"XBLOCK_SETTINGS[{SETTINGS_KEY!r}]", {} if value is None else value)


def learner_id(block_settings: Mapping[str, Any]) -> LearnerId:
    """Return which anonymous id stands for a learner: the platform-wide one unless set.

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
    """Return the seconds that a completion may take while its learner waits, 3 unless set.

    Raises:
        ConfigurationError: not a number from 0.1 to 30.
    """
    value = block_settings.get("budget", 3.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.1 <= value <= 30:
        raise ConfigurationError(f"budget: not a number of seconds from 0.1 to 30: {_shown(value)}")
    return float(value)


def _shown(value: object) -> str:
    """Return a plain value for a message: another may be a section that slipped, with secrets."""
    plain = value is None or isinstance(value, int | float | str)
    return ascii(value)[:40] if plain else f"a {type(value).__name__}"


def mini_site(block_settings: Mapping[str, Any]) -> str | None:
    """Return the URL under which embedded pages are, without a slash at its end, or None.

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
    timeouts: Mapping[str, Mapping[str, float]] | None = None,
) -> Settings:
    """Return the bridge's settings, from the block's and the environment.

    A token that is replaced in its file, or a setting that is mended, counts from the next click
    on: they are read again whenever one of them, or a file that they name, is not what it was.

    Args:
        block_settings: what the ``settings`` service gives.
        environ: wins over them.
        timeouts: by section, in seconds, instead of the bridge's own where none are set.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    mapping = {key: value for key, value in block_settings.items() if key not in OWN_SETTINGS}
    variables = {name: environ[name] for name in ENVIRONMENT if environ.get(name)}
    named = {*mapping, *(ENVIRONMENT[name][0] for name in variables)}
    if "outbox" in named and "store" not in named:
        mapping["store"] = _STORE_ELSEWHERE
    for section, times in (timeouts or {}).items():
        inner = mapping.get(section, {} if section in named | {"store"} else None)
        if isinstance(inner, Mapping):
            mapping[section] = {**times, **inner}
    return _read(_GivenSettings(mapping, variables))


class _GivenSettings:
    """Settings as they were given, and the same again for as long as reading them gives the same.

    Reading them takes longer than all the rest of a click.
    """

    def __init__(self, mapping: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        self.mapping = mapping
        self.variables = variables
        self._all = (
            repr(mapping),
            repr(variables),
            *map(_file_stamp, _named_files(mapping, variables)),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _GivenSettings) and self._all == other._all

    def __hash__(self) -> int:
        return hash(self._all)


@lru_cache(maxsize=8)
def _read(given: _GivenSettings) -> Settings:
    return Settings.from_mapping(given.mapping, given.variables)


def _named_files(*mappings: Mapping[str, Any]) -> Iterator[str]:
    """Give the files that settings name: ``…_file``, in the environment ``…_FILE``."""
    for mapping in mappings:
        for name, value in mapping.items():
            if str(name).lower().endswith("_file"):
                yield str(value)
            elif isinstance(value, list | tuple):
                yield from _named_files(*(item for item in value if isinstance(item, Mapping)))
            elif isinstance(value, Mapping):
                yield from _named_files(value)


def _file_stamp(path: str) -> tuple[int, ...]:
    """Return what changes when the file does, nothing when it is not there."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def check_settings(
    block_settings: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> Settings:
    """Read every setting at once, the block's own included.

    Raises:
        ConfigurationError: naming the first that is wrong.
    """
    for read in (learner_id, budget, mini_site):
        read(block_settings)
    return click_settings(block_settings, environ)


def click_settings(
    block_settings: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> Settings:
    """Return the bridge's settings for a click, whose learner waits: with `CLICK_TIMEOUTS`.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    return settings_for(block_settings, environ, CLICK_TIMEOUTS)


def puts_into_file(settings: Settings) -> bool:
    """Return whether a click ends with a file of this machine, whose lock alone it waits for."""
    return settings.outbox is not None and settings.outbox.scheme == "sqlite"


def bridge_for(settings: Settings) -> Bridge:
    """Return the bridge that the settings name, one in each process.

    Raises:
        ConfigurationError: naming the setting and what is wrong with it.
    """
    with _MAKING:  # first clicks that come together would each make one
        return _bridge(settings)


_MAKING: Final = Lock()


@lru_cache(maxsize=8)  # more than one only while settings change
def _bridge(settings: Settings) -> Bridge:
    return Bridge.from_settings(settings)
