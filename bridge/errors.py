"""Every error the bridge raises: one root, and beneath it what the caller can do about it.

A docstring's first line is what the error means. No message ever holds a token, an e-mail address
or a password.
"""

from __future__ import annotations

from enum import StrEnum


class RuleCode(StrEnum):
    """The name, for programs, of a rule that a value broke. A code never changes its meaning.

    The words of a rule may change, and say more (a bound, the values that are allowed).
    """

    MISSING = "missing"
    EMPTY = "empty"
    NOT_A_STRING = "not_a_string"
    TOO_LONG = "too_long"
    NOT_PRINTABLE = "not_printable"
    NOT_AN_INSTANT = "not_an_instant"
    NO_SUCH_INSTANT = "no_such_instant"
    NO_TIME_ZONE = "no_time_zone"
    BEFORE_2000 = "before_2000"
    TOO_FAR_AHEAD = "too_far_ahead"
    UNKNOWN_ORIGIN = "unknown_origin"
    NOT_AN_IDENTITY = "not_an_identity"
    NOT_AN_INTEGER = "not_an_integer"
    NOT_DIGITS = "not_digits"
    LEADING_ZERO = "leading_zero"
    NOT_POSITIVE = "not_positive"
    TOO_LARGE = "too_large"
    CHARACTER_NOT_ALLOWED = "character_not_allowed"
    PREVIEW_USER = "preview_user"
    NOT_A_UUID = "not_a_uuid"
    NOT_CANONICAL = "not_canonical"
    NIL_UUID = "nil_uuid"
    NOT_AN_EMAIL = "not_an_email"
    SERVER_KEY_ONLY = "server_key_only"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_FIELD = "unknown_field"
    OTHER = "other"


class BridgeError(Exception):
    """Something the bridge was asked to do was not done."""


class InvalidInput(BridgeError, ValueError):
    """A value breaks a rule, and will break it again, unless `retry_after` says otherwise.

    Attributes:
        what: the field, in words.
        rule: the rule that is broken, in words.
        value: the offending value as shown in the message, cut at 80 characters.
        code: the rule that is broken, for programs.
        retry_after: seconds (1 or more) after which the same value breaks the rule no more;
            None when time mends nothing.
    """

    def __init__(
        self,
        what: str,
        rule: str,
        value: str,
        code: RuleCode = RuleCode.OTHER,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{what}: {rule}: {value}")
        self.what = what
        self.rule = rule
        self.value = value
        self.code = code
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[type[InvalidInput], tuple[str, str, str, RuleCode, int | None]]:
        return type(self), (self.what, self.rule, self.value, self.code, self.retry_after)


class InvalidIdentity(InvalidInput):
    """An origin and an external user id that name no learner."""


class InvalidCompletion(InvalidInput):
    """A completion that no store may hold."""


class InvalidToken(BridgeError):
    """A token that proves nothing: forged, expired, or not meant for this bridge."""


class ConfigurationError(BridgeError):
    """The configuration cannot be used as it is written."""


class BridgeClosed(BridgeError):
    """The bridge, or its outbox, was closed: it does nothing any more, so open another."""


class OutboxUnavailable(BridgeError):
    """The outbox cannot take the completions now: they are *not* accepted.

    Attributes:
        reason: why, in words that name no place, empty when the message says all.
        remedy: what to do about it, empty when nobody knows.
    """

    def __init__(self, message: str, reason: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.remedy = remedy


class OutboxMisconfigured(OutboxUnavailable):
    """The outbox takes no completions until somebody mends a setting, a right or a file."""


class OutboxOfAnotherStore(ConfigurationError):
    """The outbox holds completions for another store: this one's deliverer keeps off them."""


class StoreError(BridgeError):
    """The store did not do what it was asked. The completions are not (all) recorded."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or cannot serve now: keep everything and try again later.

    Attributes:
        retry_after: seconds (0 or more) that the store asked to be left alone, or None.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BeingDelivered(StoreUnavailable):
    """Completions of this learner are on their way to the store: ask again in a moment."""


class StoreMisconfigured(StoreError):
    """The store answers, but refuses: somebody has to mend a setting, a right or a table."""


class CompletionRejected(StoreError):
    """The store refuses this one completion, and will refuse it again.

    Attributes:
        reason: why, in words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the store refuses this completion: {reason}")
        self.reason = reason

    def __reduce__(self) -> tuple[type[CompletionRejected], tuple[str]]:
        return type(self), (self.reason,)
