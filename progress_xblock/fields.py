"""Field types whose stored values never break a page.

A course may be imported with any text in its settings, and a learner's state may come from a newer
version, or from an older one. XBlock reads such a value when the field is used, and raises there:
in the middle of the unit's page.
"""

from __future__ import annotations

import logging
import math
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from xblock.fields import Boolean, DateTime, Dict, Float, Integer, JSONField, List, String
from yaml import YAMLError

from progress_xblock.throttled_log import notice

CANNOT_BE_READ = (ValueError, TypeError, OverflowError, AttributeError, RecursionError)
"""What XBlock's fields raise on values that are not theirs."""


T = TypeVar("T")


class Tolerant(JSONField, Generic[T]):  # type: ignore[misc]  # XBlock is not typed
    """A field that has its default where it holds a value that it cannot read."""

    if TYPE_CHECKING:

        def __get__(self, block: object, owner: object) -> T: ...

        def __set__(self, block: object, value: T) -> None: ...

    def from_json(self, value: Any) -> Any:
        """Read the stored value; the default, and a line in the log, where that cannot be done."""
        try:
            return self.strict(value)
        except CANNOT_BE_READ:
            what = "a stored value cannot be read, and is not used"
            notice(logging.WARNING, f"field {self.name}", what, TypeError(type(value).__name__))
            return self.unreadable

    @property
    def unreadable(self) -> Any:
        """What stands for a value that cannot be read."""
        return self.default

    def strict(self, value: Any) -> Any:
        """Read the value as an author's input is read.

        Raises:
            ValueError, TypeError, OverflowError: it is not one of this field's.
        """
        return super().from_json(value)

    def enforce_type(self, value: Any) -> Any:
        """Read the value that is set."""
        return self.from_json(value)

    def from_string(self, serialized: str) -> Any:
        """Read the value as OLX writes it; the default where that cannot be done."""
        try:
            return super().from_string(serialized)
        except (*CANNOT_BE_READ, YAMLError):
            return self.from_json(serialized)


class Text(Tolerant[Any], String):  # type: ignore[misc]
    """Text."""


class StateName(Text):
    """The name of a state. One that cannot be read is not taken for the first of them."""

    unreadable = ""


class WholeNumber(Tolerant[int | None], Integer):  # type: ignore[misc]
    """A whole number."""


class Number(Tolerant[float | None], Float):  # type: ignore[misc]
    """A number, 0 or more, and finite: edX adds it to the others of a subsection."""

    def strict(self, value: Any) -> Any:
        """Read the value.

        Raises:
            ValueError, TypeError: it is no number from 0 on.
        """
        number = super().strict(value)
        if number is not None and not (math.isfinite(number) and number >= 0):
            raise ValueError("a number is needed, 0 or more")
        return number


class Flag(Tolerant[bool], Boolean):  # type: ignore[misc]
    """Yes or no."""

    def strict(self, value: Any) -> Any:
        """Read the value, or the words of OLX and of Studio's form.

        Raises:
            ValueError: it is neither.
        """
        if isinstance(value, bool) or str(value).lower() in ("true", "false"):
            return super().strict(value)
        raise ValueError("neither true nor false")


class Instant(Tolerant[datetime | None], DateTime):  # type: ignore[misc]
    """An instant. A number, which XBlock takes for a span of time, is none."""

    def strict(self, value: Any) -> Any:
        """Read the value.

        Raises:
            ValueError, TypeError, OverflowError: it is no instant.
        """
        if isinstance(value, int | float):
            raise TypeError("a number is no instant")
        return super().strict(value)


class JSONObject(Tolerant[dict[str, Any]], Dict):  # type: ignore[misc]
    """A JSON object."""


class Names(Tolerant[list[str]], List):  # type: ignore[misc]
    """A list of names."""

    def strict(self, value: Any) -> Any:
        """Read the value.

        Raises:
            TypeError: it is no list of texts.
        """
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise TypeError("not a list of texts")
        return super().strict(value)
