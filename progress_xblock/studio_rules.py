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

SEEN_SECONDS: Final = range(1, 3601)
PAGE_HEIGHTS: Final = range(100, 2001)
MAX_CHARACTERS: Final = {"display_name": 255, "button_text": 60, "done_text": 300, "page_path": 500}
"""The longest text of a field, in characters."""

_IDS: Final = ("grain_id", "module_id", "sequence_id")
_ANYONE: Final = Identity(Origin.FUNMOOC, "anyone")


@dataclass(frozen=True)
class BrokenRule:
    """A rule that is broken.

    Attributes:
        text: the rule, in English. The block translates it.
        values: what its placeholders stand for.
        shown: the value that breaks it, as it may be shown.
    """

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)
    shown: str = ""


def broken_rule(name: str, value: Any) -> BrokenRule | None:
    """Return the rule that the field's value breaks, or None when it breaks none."""
    if name in _IDS:
        return None if value in (None, "") else _id(value)
    if name in MAX_CHARACTERS:
        return _text(value, MAX_CHARACTERS[name]) or (_path(value) if name == "page_path" else None)
    match name:
        case "complete_on":
            known = value in tuple(CompleteOn)
            return None if known else BrokenRule(_("not one of the choices"))
        case "seen_seconds":
            return _whole(value, SEEN_SECONDS)
        case "page_height":
            return _whole(value, PAGE_HEIGHTS)
        case "weight":
            fine = isinstance(value, int | float) and 0 <= value <= sys.float_info.max
            return None if fine else BrokenRule(_("a number is needed, 0 or more"))
        case "counts_for_grade":
            return None if isinstance(value, bool) else BrokenRule(_("not one of the choices"))
    return None


def _id(value: str) -> BrokenRule | None:
    try:
        Completion(_ANYONE, value)
    except InvalidCompletion as error:
        return BrokenRule(RULES.get(error.code, error.rule), shown=error.value)
    return None


def _text(value: Any, longest: int) -> BrokenRule | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return BrokenRule(_("a text is needed"))
    if len(value) > longest:
        return BrokenRule(_("too long (at most {most} characters)"), {"most": longest})
    return None if value.isprintable() else BrokenRule(_("a character is not printable"))


def _whole(value: Any, allowed: range) -> BrokenRule | None:
    if isinstance(value, int) and value in allowed:
        return None
    limits = {"least": allowed.start, "most": allowed.stop - 1}
    return BrokenRule(_("a whole number from {least} to {most} is needed"), limits)


def _path(value: str | None) -> BrokenRule | None:
    if not value or not is_wrong_path(value):
        return None
    return BrokenRule(
        _("only a path under the mini-site: no other site, no “..”, no “#”, no space")
    )


def is_wrong_path(path: str) -> bool:
    """Return whether a path leads out of the mini-site, or would hide the token."""
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
