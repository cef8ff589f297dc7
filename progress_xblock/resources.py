"""The files that the block's pages are made of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from django.template import Context, Engine, Template


@lru_cache
def resource(path: str) -> str:
    """Read the text of a file of the package."""
    return (files(__package__) / path).read_text(encoding="utf-8")


def render(name: str, words: Mapping[str, Any]) -> str:
    """Fill a template of the package. Numbers are written for machines, not for readers."""
    return str(_template(name).render(Context(words, use_l10n=False)))


@lru_cache
def _template(name: str) -> Template:
    return Engine().from_string(resource(f"templates/{name}.html"))
