"""Field types whose stored values never break a page.

A course may be imported with any text in its settings, and a learner's state may come from a newer
version, or from an older one. XBlock reads such a value when the field is used, and raises there:
in the middle of the unit's page.
"""

from __future__ import annotations

import logging
import math
from datetime import datetime
from typing import Any, Generic, TypeVar

from xblock.fields import Boolean, DateTime, Dict, Float, Integer, JSONField, List, String
from yaml import YAMLError

from progress_xblock.throttled_log import log_throttled

READ_ERRORS = (ValueError, TypeError, OverflowError, AttributeError, RecursionError)
"""What XBlock's fields raise on values that are not theirs."""


T = TypeVar("T")


class TolerantField(JSONField, Generic[T]):
    """A field that has its default where it holds a value that it cannot read."""

    def __get__(self, block: object, owner: object) -> T:
        value: T = super().__get__(block, owner)
        return value

    def __set__(self, block: object, value: T) -> None:
        super().__set__(block, value)

    def from_json(self, value: Any) -> Any:
        """Read the stored value, or give `substitute` and a line in the log instead of it."""
        try:
            return self.read_strict(value)
        except READ_ERRORS:
            what = "a stored value cannot be read, and is not used"
            log_throttled(
                logging.WARNING, f"field {self.name}", what, TypeError(type(value).__name__)
            )
            return self.substitute

    @property
    def substitute(self) -> Any:
        """Return what stands for a value that cannot be read."""
        return self.default

    def read_strict(self, value: Any) -> Any:
        """Read the value as an author's input is read.

        Raises:
            ValueError, TypeError, OverflowError: it is not one of this field's.
        """
        return super().from_json(value)

    def enforce_type(self, value: Any) -> Any:
        """Read the value that is set."""
        return self.from_json(value)

    def from_string(self, serialized: str) -> Any:
        """Read the value as OLX writes it, or give `substitute` where that cannot be done."""
        try:
            return super().from_string(serialized)
        except (*READ_ERRORS, YAMLError):
            return self.from_json(serialized)


class Text(TolerantField[Any], String):
    """Text."""


class StateName(Text):
    """The name of a state. One that cannot be read is not taken for the first of them."""

    substitute = ""


class WholeNumber(TolerantField[int | None], Integer):
    """A whole number."""


class Number(TolerantField[float | None], Float):
    """A number, 0 or more, and finite: edX adds it to the others of a subsection."""

    def read_strict(self, value: Any) -> Any:
        """Read the value.

        Raises:
            ValueError, TypeError: it is no number from 0 on.
        """
        number = super().read_strict(value)
        if number is not None and not (math.isfinite(number) and number >= 0):
            raise ValueError("a number is needed, 0 or more")
        return number


class Flag(TolerantField[bool], Boolean):
    """Yes or no."""

    def read_strict(self, value: Any) -> Any:
        """Read the value, or the words of OLX and of Studio's form.

        Raises:
            ValueError: it is neither.
        """
        if isinstance(value, bool) or str(value).lower() in ("true", "false"):
            return super().read_strict(value)
        raise ValueError("neither true nor false")


class Instant(TolerantField[datetime | None], DateTime):
    """An instant. A number, which XBlock takes for a span of time, is none."""

    def read_strict(self, value: Any) -> Any:
        """Read the value.

        Raises:
            ValueError, TypeError, OverflowError: it is no instant.
        """
        if isinstance(value, int | float):
            raise TypeError("a number is no instant")
        return super().read_strict(value)


class JSONObject(TolerantField[dict[str, Any]], Dict):
    """A JSON object."""


class Names(TolerantField[list[str]], List):
    """A list of names."""

    def read_strict(self, value: Any) -> Any:
        """Read the value.

        Raises:
            TypeError: it is no list of texts.
        """
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise TypeError("not a list of texts")
        return super().read_strict(value)
