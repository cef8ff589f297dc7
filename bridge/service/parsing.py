"""From what a request's body says to completions, each item on its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bridge.errors import InvalidCompletion, InvalidInput, RuleCode
from bridge.json_format import parse_instant
from bridge.model import Completion
from bridge.service.auth.callers import Caller
from bridge.service.http.problems import Problem, forbidden

MOST: Final = 1_000
"""Completions in one request at most."""

FIELDS: Final = frozenset(
    (
        "origin",
        "external_user_id",
        "grain_id",
        "module_id",
        "sequence_id",
        "completed_at",
        "email",
    )
)

# RFC 3339, 5.6; what has no offset is refused by `Completion`, which says so.
_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one item is refused.

    Attributes:
        field: what breaks the rule; empty when it is the item itself.
        rule: the rule, in words.
        value: what the field held, cut.
        code: the rule, for programs.
        retry_after: seconds (1 or more) after which it is accepted; None when time mends nothing.
    """

    field: str
    rule: str
    value: str
    code: RuleCode
    retry_after: int | None = None

    def as_json(self) -> dict[str, str | int]:
        """As the answer's ``results`` show it."""
        shown: dict[str, str | int] = {
            "status": "refused",
            "field": self.field,
            "rule": self.rule,
            "value": self.value,
            "code": self.code,
        }
        if self.retry_after is not None:
            shown["retry_after"] = self.retry_after
        return shown


def items_of(body: Any) -> list[Any]:
    """The body's items: one object, or an array of them.

    Raises:
        Problem: 422, it is neither, or holds none or too many.
    """
    if isinstance(body, dict):
        return [body]
    if not isinstance(body, list):
        raise Problem(422, "the body is neither a completion nor an array of completions")
    if not 1 <= len(body) <= MOST:
        raise Problem(422, f"the array holds {len(body)} completions, not 1 to {MOST:,}")
    return body


def understand(item: Any, caller: Caller) -> Completion | Refusal:
    """The completion that an item is, or why it is none.

    Raises:
        Problem: 403, the caller may not record it; then nothing of the request counts.
    """
    if not isinstance(item, dict):
        return Refusal("", "not an object", _shown(item), RuleCode.NOT_AN_OBJECT)
    if not item.keys() <= FIELDS:
        return Refusal(_unknown(item), "no such field", "", RuleCode.UNKNOWN_FIELD)
    try:
        completion = Completion(
            caller.identity(item),
            item.get("grain_id"),  # type: ignore[arg-type]  # Completion checks them
            item.get("module_id"),
            item.get("sequence_id"),
            _instant(item.get("completed_at")),  # type: ignore[arg-type]
            item.get("email"),
        )
    except InvalidInput as error:
        field = error.what.rpartition(" ")[2]
        return Refusal(field, error.rule, error.value, error.code, error.retry_after)
    if not caller.may_record(completion):
        raise forbidden()
    return completion


def _instant(value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise _refuse_instant("not an instant (RFC 3339)", value, RuleCode.NOT_AN_INSTANT)
    try:
        return parse_instant(value.upper())
    except ValueError:
        raise _refuse_instant("no such instant", value, RuleCode.NO_SUCH_INSTANT) from None


def _refuse_instant(rule: str, value: object, code: RuleCode) -> InvalidCompletion:
    return InvalidCompletion("completed_at", rule, _shown(value), code)


def _unknown(item: Mapping[str, Any]) -> str:
    return _shown(next(name for name in item if name not in FIELDS))[1:-1]


def _shown(value: object) -> str:
    """A value as an answer may show it, cut."""
    if not isinstance(value, str | int | float | bool | None):
        return f"a {type(value).__name__}"
    return ascii(value)[:_SHOWN]
