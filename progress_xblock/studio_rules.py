"""What Studio refuses when an author saves, and why."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from bridge import Completion, Identity, InvalidCompletion, Origin
from progress_xblock.states import CompleteOn
from progress_xblock.texts import RULES, _

SECONDS: Final = range(1, 3601)
PIXELS: Final = range(100, 2001)
LONGEST: Final = {"display_name": 255, "button_text": 60, "done_text": 300, "page_path": 500}
"""Characters."""

_IDS: Final = ("grain_id", "module_id", "sequence_id")
_ANYONE: Final = Identity(Origin.FUNMOOC, "anyone")


@dataclass(frozen=True)
class Rule:
    """A rule that is broken.

    Attributes:
        text: the rule, in English; the block translates it.
        values: what its placeholders stand for.
        shown: the value that breaks it, as it may be shown.
    """

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)
    shown: str = ""


def broken(name: str, value: Any) -> Rule | None:
    """The rule that the field's value breaks; None when there is nothing to say."""
    if name in _IDS:
        return None if value in (None, "") else _id(value)
    if name in LONGEST:
        return _text(value, LONGEST[name]) or (_path(value) if name == "page_path" else None)
    match name:
        case "complete_on":
            known = value in tuple(CompleteOn)
            return None if known else Rule(_("not one of the choices"))
        case "seen_seconds":
            return _whole(value, SECONDS)
        case "page_height":
            return _whole(value, PIXELS)
        case "weight":
            fine = isinstance(value, int | float) and 0 <= value <= sys.float_info.max
            return None if fine else Rule(_("a number is needed, 0 or more"))
        case "counts_for_grade":
            return None if isinstance(value, bool) else Rule(_("not one of the choices"))
    return None


def _id(value: str) -> Rule | None:
    try:
        Completion(_ANYONE, value)
    except InvalidCompletion as error:
        return Rule(RULES.get(error.code, error.rule), shown=error.value)
    return None


def _text(value: Any, longest: int) -> Rule | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return Rule(_("a text is needed"))
    if len(value) > longest:
        return Rule(_("too long (at most {most} characters)"), {"most": longest})
    return None if value.isprintable() else Rule(_("a character is not printable"))


def _whole(value: Any, allowed: range) -> Rule | None:
    if isinstance(value, int) and value in allowed:
        return None
    limits = {"least": allowed.start, "most": allowed.stop - 1}
    return Rule(_("a whole number from {least} to {most} is needed"), limits)


def _path(value: str | None) -> Rule | None:
    if not value or not wrong_path(value):
        return None
    return Rule(_("only a path under the mini-site: no other site, no “..”, no “#”, no space"))


def wrong_path(path: str) -> bool:
    """Whether this is no path under the mini-site: it would lead elsewhere, or hide the token."""
    decoded = unquote(path)
    try:
        parts = urlsplit(path)
    except ValueError:
        return True
    # Browsers take "\" for "/", and "%2e%2e" for "..".
    return (
        bool(parts.scheme or parts.netloc)
        or decoded.startswith("//")
        or any(part in (".", "..") for part in decoded.partition("?")[0].split("/"))
        or any(character in path for character in "# ")
        or "\\" in decoded
        or not decoded.isprintable()
    )
