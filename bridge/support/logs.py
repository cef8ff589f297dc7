"""Logs: one event a line, ``event key=value …`` or JSON.

No line holds an e-mail address, a token, or more of a learner's id than its first 8 characters:
identities cut themselves, errors' texts hold none, and what looks like an address is masked.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Final

_MAX_VALUE_LENGTH: Final = 500
"""Characters of a value that a line shows at most."""

_EMAIL_ADDRESS: Final = re.compile(r"[^\s@=<>\"']+@[^\s@=<>\"']+")
_NEEDS_NO_QUOTES: Final = re.compile(r"[^\s=\"]+")


def event(logger: logging.Logger, level: int, name: str, **fields: object) -> None:
    """Log that something happened. Fields that are None are left out."""
    if logger.isEnabledFor(level):
        shown = {key: _safe(value) for key, value in fields.items() if value is not None}
        text = " ".join([name, *(f"{key}={_quoted(value)}" for key, value in shown.items())])
        logger.log(level, "%s", text, extra={"event": name, "fields": shown})


def configure(*, as_json: bool = False, debug: bool = False) -> None:
    """Write this process's log to standard error, which a command line may do and no library."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JSON() if as_json else _Line())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("bridge").setLevel(logging.DEBUG if debug else logging.INFO)


def _safe(value: object) -> int | float | bool | str:
    """Return a value as a log may show it: one line, not too long, no e-mail address."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, int):
        return value
    text = _EMAIL_ADDRESS.sub("(e-mail)", str(value))
    text = "".join(char if char.isprintable() else " " for char in text)
    return text if len(text) <= _MAX_VALUE_LENGTH else text[:_MAX_VALUE_LENGTH] + "…"


def _quoted(value: int | float | bool | str) -> str:
    text = str(value)
    return text if _NEEDS_NO_QUOTES.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _time(record: logging.LogRecord) -> str:
    when = datetime.fromtimestamp(record.created, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Line(logging.Formatter):
    """Formats a record as ``time level logger event key=value …``."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage() if hasattr(record, "event") else str(_safe(record.getMessage()))
        return f"{_time(record)} {record.levelname} {record.name} {text}{_exception_type(record)}"


class _JSON(logging.Formatter):
    """Formats a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": getattr(record, "event", None)
            or _safe(record.getMessage() + _exception_type(record)),
            **getattr(record, "fields", {}),
        }
        return json.dumps(line, ensure_ascii=False)


def _exception_type(record: logging.LogRecord) -> str:
    """Return the exception's type alone, since its text and frames may hold anything."""
    kind = record.exc_info[0] if record.exc_info else None
    return f" exception={kind.__name__}" if kind else ""
