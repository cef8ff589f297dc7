"""Packages that only some parts need: the extras of ``pip install 'progress-bridge[…]'``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bridge.errors import ConfigurationError


@contextmanager
def needs(extra: str, setting: str = "") -> Iterator[None]:
    """Run a block that imports what comes with an extra, and say what to install if it cannot.

    Args:
        extra: as ``setup.py`` names it.
        setting: the setting that asks for it, if one does.

    Raises:
        ConfigurationError: a package is not installed.
    """
    try:
        yield
    except ImportError as error:
        where = f"{setting}: " if setting else ""
        missing = (error.name or "a package").partition(".")[0].replace("_", "-")
        raise ConfigurationError(
            f"{where}{missing} is not installed; pip install 'progress-bridge[{extra}]'"
        ) from None
