"""Who learned, what, and when: values that are valid from the moment they exist.

The identity and completion rules are those of the project's design. Nothing here does I/O.
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Final, Self

from bridge.errors import CompletionRejected, InvalidCompletion, InvalidIdentity, RuleCode

MAX_TEXT: Final = 255
"""Longest id or e-mail address, in characters: the width of the database's columns."""

MAX_MOODLE_ID: Final = 2**63 - 1
"""Largest Moodle user id: Moodle keeps it in a signed BIGINT."""

MAX_AHEAD: Final = timedelta(minutes=5)
"""How far a sender's clock may run ahead of ours."""

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""No completion can be older: before it, a clock was wrong or a zero was sent."""

_MAX_SHOWN: Final = 80
_FUNMOOC_ID = re.compile(r"[A-Za-z0-9_.-]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_ALMOST_UUID = re.compile(r"(?:urn:uuid:)?\{?[0-9a-fA-F-]+\}?", re.IGNORECASE)
_NIL_UUID = str(uuid.UUID(int=0))
_DIGITS = re.compile(r"[0-9]+")


class Origin(StrEnum):
    """The front door a learner came through. The same id under two origins is two people."""

    MOODLE = "moodle"
    FUNMOOC = "funmooc"
    DIRECT = "direct"


def _shown(value: object) -> str:
    """Return the value as an error may show it: printable ASCII, cut at 80 characters."""
    if not isinstance(value, str | int | float | None):
        return f"a {type(value).__name__}"
    if isinstance(value, int) and abs(value).bit_length() > 8 * _MAX_SHOWN:
        return "a very large number"
    text = ascii(value[: _MAX_SHOWN + 1] if isinstance(value, str) else value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """One learner: an origin, and the id that this origin's platform knows them by.

    Args:
        origin: ``moodle``, ``funmooc`` or ``direct``, matched exactly.
        external_user_id: normalised on the way in (surrounding white space stripped).
            moodle: an int or decimal digits, 1 to 2**63-1. funmooc: 1 to 255 of
            ``A-Z a-z 0-9 _ . -``, but not Studio's literal ``student``. direct: a UUID in
            canonical 8-4-4-4-12 form, kept in lower case.

    Raises:
        InvalidIdentity: naming the rule that is broken, and the value cut at 80 characters.
    """

    origin: Origin
    external_user_id: str

    def __init__(self, origin: Origin | str, external_user_id: str | int | uuid.UUID) -> None:
        normalise = _RULES.get(origin) if isinstance(origin, str) else None
        if normalise is None:
            rule = f"unknown origin (one of {', '.join(Origin)})"
            raise InvalidIdentity("origin", rule, _shown(origin), RuleCode.UNKNOWN_ORIGIN)
        object.__setattr__(self, "origin", Origin(origin))
        object.__setattr__(self, "external_user_id", normalise(external_user_id))

    def __repr__(self) -> str:
        """Show the identity as a log may: no more of the id than its first 8 characters."""
        return f"<Identity {self}>"

    def __str__(self) -> str:
        shown = self.external_user_id
        return f"{self.origin}:{shown if len(shown) <= 8 else shown[:8] + '…'}"

    def as_dict(self) -> dict[str, str]:
        """Return the values for JSON. The id is whole."""
        return {"origin": str(self.origin), "external_user_id": self.external_user_id}


def _invalid_id(origin: Origin, rule: str, value: object, code: RuleCode) -> InvalidIdentity:
    return InvalidIdentity(f"{origin} external_user_id", rule, _shown(value), code)


def _stripped_id(origin: Origin, value: object) -> str:
    """Return the id as stripped, non-empty text."""
    if value is None:
        raise _invalid_id(origin, "missing", value, RuleCode.MISSING)
    if not isinstance(value, str):
        raise _invalid_id(origin, "not a string", value, RuleCode.NOT_A_STRING)
    text = value.strip()
    if not text:
        raise _invalid_id(origin, "empty", value, RuleCode.EMPTY)
    return text


def _moodle_id(value: object) -> str:
    if isinstance(value, bool | float):
        raise _invalid_id(Origin.MOODLE, "not an integer", value, RuleCode.NOT_AN_INTEGER)
    if not isinstance(value, int):
        text = _stripped_id(Origin.MOODLE, value)
        if not text.isascii() and text.isnumeric():
            raise _invalid_id(Origin.MOODLE, "not ASCII digits", value, RuleCode.NOT_DIGITS)
        if not _DIGITS.fullmatch(text):
            raise _invalid_id(Origin.MOODLE, "not decimal digits", value, RuleCode.NOT_DIGITS)
        if text[0] == "0" and text != "0":
            raise _invalid_id(Origin.MOODLE, "leading zero", value, RuleCode.LEADING_ZERO)
        number = int(text) if len(text) <= 19 else MAX_MOODLE_ID + 1
    else:
        number = int(value)
    if number < 1:
        raise _invalid_id(Origin.MOODLE, "not positive", value, RuleCode.NOT_POSITIVE)
    if number > MAX_MOODLE_ID:
        raise _invalid_id(Origin.MOODLE, "too large (at most 2^63-1)", value, RuleCode.TOO_LARGE)
    return str(number)


def _funmooc_id(value: object) -> str:
    text = _stripped_id(Origin.FUNMOOC, value)
    if not _FUNMOOC_ID.fullmatch(text):
        rule = "a character is not allowed (A-Z a-z 0-9 _ . -)"
        raise _invalid_id(Origin.FUNMOOC, rule, value, RuleCode.CHARACTER_NOT_ALLOWED)
    if len(text) > MAX_TEXT:
        rule, code = f"too long (at most {MAX_TEXT})", RuleCode.TOO_LONG
        raise _invalid_id(Origin.FUNMOOC, rule, value, code)
    if text == "student":
        rule, code = "the id of a Studio preview, not of a learner", RuleCode.PREVIEW_USER
        raise _invalid_id(Origin.FUNMOOC, rule, value, code)
    return text


def _direct_id(value: object) -> str:
    text = str(value) if isinstance(value, uuid.UUID) else _stripped_id(Origin.DIRECT, value)
    if not _UUID.fullmatch(text):
        if _ALMOST_UUID.fullmatch(text):
            rule = "not canonical (8-4-4-4-12 hex digits)"
            raise _invalid_id(Origin.DIRECT, rule, value, RuleCode.NOT_CANONICAL)
        raise _invalid_id(Origin.DIRECT, "not a UUID", value, RuleCode.NOT_A_UUID)
    if text == _NIL_UUID:
        raise _invalid_id(Origin.DIRECT, "the nil UUID names nobody", value, RuleCode.NIL_UUID)
    return text.lower()


_RULES: Final[dict[str, Callable[[object], str]]] = {
    Origin.MOODLE: _moodle_id,
    Origin.FUNMOOC: _funmooc_id,
    Origin.DIRECT: _direct_id,
}


def _text(name: str, value: object) -> str:
    """Check an id of the course: 1 to 255 printable characters once stripped."""

    def refused(rule: str, code: RuleCode) -> InvalidCompletion:
        return InvalidCompletion(name, rule, _shown(value), code)

    if value is None:
        raise refused("missing", RuleCode.MISSING)
    if not isinstance(value, str):
        raise refused("not a string", RuleCode.NOT_A_STRING)
    text = value.strip()
    if not text:
        raise refused("empty", RuleCode.EMPTY)
    if len(text) > MAX_TEXT:
        raise refused(f"too long (at most {MAX_TEXT} characters)", RuleCode.TOO_LONG)
    if not text.isprintable():
        raise refused("a character is not printable", RuleCode.NOT_PRINTABLE)
    return text


_invalid_instant = partial(InvalidCompletion, "completed_at")


def _instant(value: object) -> datetime:
    """Check an instant, and cut it to the millisecond: no store may keep more than Directus."""
    now = datetime.now(UTC)
    if value is None:
        utc = now
    elif not isinstance(value, datetime):
        raise _invalid_instant("not a datetime", _shown(value), RuleCode.NOT_AN_INSTANT)
    elif value.utcoffset() is None:
        raise _invalid_instant("naive (no time zone)", value.isoformat(), RuleCode.NO_TIME_ZONE)
    elif value < EARLIEST:
        raise _invalid_instant("before 2000", value.isoformat(), RuleCode.BEFORE_2000)
    elif value > now + MAX_AHEAD:
        wait = math.ceil((value - now - MAX_AHEAD).total_seconds())
        rule, code = "more than 5 minutes ahead", RuleCode.TOO_FAR_AHEAD
        raise _invalid_instant(rule, value.isoformat(), code, wait)
    else:
        utc = value.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def _kept_instant(text: str) -> datetime:
    """Read an instant that was valid when it was kept."""
    instant = datetime.fromisoformat(text)
    if instant.utcoffset() is None:
        raise _invalid_instant("naive (no time zone)", _shown(text), RuleCode.NO_TIME_ZONE)
    return instant


def _email(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or "@" not in value:
        rule, code = "not an e-mail address", RuleCode.NOT_AN_EMAIL
        raise InvalidCompletion("email", rule, "(not shown)", code)
    if len(value) > MAX_TEXT:
        rule = f"too long (at most {MAX_TEXT})"
        raise InvalidCompletion("email", rule, "(not shown)", RuleCode.TOO_LONG)
    return value.strip()


@dataclass(frozen=True, slots=True)
class Completion:
    """One learner finished one grain at one instant.

    Args:
        identity: who.
        grain_id: what; 1 to 255 printable characters once stripped, as are the next two.
        module_id: the module the grain belongs to, or None.
        sequence_id: the sequence the grain belongs to, or None.
        completed_at: when; aware, from 2000 to 5 minutes ahead. Kept in UTC, cut to the
            millisecond (all that Directus keeps). Default: now.
        email: personal data, kept only by a store told to (``store_email``), and only when it
            creates the learner. No part of what makes two completions equal, never shown.

    Raises:
        InvalidCompletion: naming the field, the rule and the value (never the e-mail address).
    """

    identity: Identity
    grain_id: str
    module_id: str | None = None
    sequence_id: str | None = None
    completed_at: datetime = None  # type: ignore[assignment]  # __post_init__ puts now
    email: str | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.identity, Identity):
            rule, code = "not an Identity", RuleCode.NOT_AN_IDENTITY
            raise InvalidCompletion("identity", rule, _shown(self.identity), code)
        put = object.__setattr__
        put(self, "grain_id", _text("grain_id", self.grain_id))
        if self.module_id is not None:
            put(self, "module_id", _text("module_id", self.module_id))
        if self.sequence_id is not None:
            put(self, "sequence_id", _text("sequence_id", self.sequence_id))
        put(self, "completed_at", _instant(self.completed_at))
        if self.email is not None:
            put(self, "email", _email(self.email))

    def as_dict(self) -> dict[str, str]:
        """Return the values for JSON, e-mail address included. `from_dict` is the way back."""
        values = {
            **self.identity.as_dict(),
            "grain_id": self.grain_id,
            "module_id": self.module_id,
            "sequence_id": self.sequence_id,
            "completed_at": self.completed_at.isoformat(timespec="milliseconds"),
            "email": self.email,
        }
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, str]) -> Self:
        """Make the completion again whose values `as_dict` gave.

        Its instant is not held against today's clock again: a clock that was put back must not
        make what was accepted unacceptable. The e-mail address is not checked again either.

        Raises:
            KeyError, ValueError: not what `as_dict` gives.
        """
        completion = object.__new__(cls)
        put = object.__setattr__
        put(completion, "identity", Identity(values["origin"], values["external_user_id"]))
        put(completion, "grain_id", _text("grain_id", values["grain_id"]))
        for name in ("module_id", "sequence_id"):
            value = values.get(name)
            put(completion, name, value if value is None else _text(name, value))
        put(completion, "completed_at", _kept_instant(values["completed_at"]))
        put(completion, "email", values.get("email"))
        return completion

    @classmethod
    def restore(cls, values: Mapping[str, str]) -> Self | None:
        """Make the completion as `from_dict` does, or None where that refuses the values.

        Rules can differ between the version (of the bridge, or of Python's Unicode tables) that
        kept a completion and the one that reads it.
        """
        try:
            return cls.from_dict(values)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    @property
    def progress(self) -> Progress:
        """Return the row that a store would keep of it."""
        return Progress(self.grain_id, self.module_id, self.sequence_id, self.completed_at)


@dataclass(frozen=True, slots=True)
class Progress:
    """One grain of one learner's record, as a store holds it.

    ``completed_at`` is None only in rows that something else than the bridge wrote.
    """

    grain_id: str
    module_id: str | None
    sequence_id: str | None
    completed_at: datetime | None

    def precedes(self, other: Progress) -> bool:
        """Return whether this row is to be kept rather than the other: the merge rule.

        Earliest wins. At the same instant a row that names its module and sequence wins over one
        that does not, then the lesser id: so every order of delivery ends in the same row.
        """
        return self._rank() < other._rank()

    def __lt__(self, other: Progress) -> bool:
        """Order the rows of a record: earliest first, then by grain."""
        return (self._rank(), self.grain_id) < (other._rank(), other.grain_id)

    def _rank(self) -> tuple[bool, datetime, bool, str, bool, str]:
        module, sequence = self.module_id, self.sequence_id
        return (
            self.completed_at is None,
            self.completed_at or EARLIEST,
            module is None,
            module or "",
            sequence is None,
            sequence or "",
        )


@dataclass(frozen=True, slots=True)
class Learner:
    """A row of ``apprenants``: ``id`` is the store's key, the rest is as recorded."""

    id: int
    identity: Identity
    email: str | None = field(default=None, repr=False)
    date_creation: datetime | None = None


class Status(StrEnum):
    """What became of one completion."""

    CREATED = "created"
    ALREADY_RECORDED = "already_recorded"
    MOVED_EARLIER = "moved_earlier"
    REJECTED = "rejected"
    ACCEPTED = "accepted"  # by the outbox: it will be recorded, and no store answers so


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done with one completion. ``reason`` is set when it was rejected."""

    status: Status
    reason: str | None = None

    @classmethod
    def rejected(cls, reason: str) -> Outcome:
        """Make the outcome of a completion that the store refuses, and would again."""
        return cls(Status.REJECTED, reason)

    def confirmed(self) -> Self:
        """Return this outcome, unless the completion was rejected.

        Raises:
            CompletionRejected: it was rejected.
        """
        if self.status is Status.REJECTED:
            raise CompletionRejected(self.reason or "no reason given")
        return self


CREATED: Final = Outcome(Status.CREATED)
ALREADY_RECORDED: Final = Outcome(Status.ALREADY_RECORDED)
MOVED_EARLIER: Final = Outcome(Status.MOVED_EARLIER)
ACCEPTED: Final = Outcome(Status.ACCEPTED)
