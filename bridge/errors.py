"""Every error the bridge raises: one root, and beneath it what the caller can do about it.

A docstring's first line is what the error means. No message ever holds a token, an e-mail address
or a password.
"""

from __future__ import annotations


class BridgeError(Exception):
    """Something the bridge was asked to do was not done."""


class InvalidInput(BridgeError, ValueError):
    """A value breaks a rule, and will break it again however often it is sent.

    Attributes:
        rule: the rule that is broken, in words.
        value: the offending value as shown in the message, cut at 80 characters.
    """

    def __init__(self, what: str, rule: str, value: str) -> None:
        super().__init__(f"{what}: {rule}: {value}")
        self.what = what
        self.rule = rule
        self.value = value

    def __reduce__(self) -> tuple[type[InvalidInput], tuple[str, str, str]]:
        return type(self), (self.what, self.rule, self.value)


class InvalidIdentity(InvalidInput):
    """An origin and an external user id that name no learner."""


class InvalidCompletion(InvalidInput):
    """A completion that no store may hold."""


class InvalidToken(BridgeError):
    """A token that proves nothing: forged, expired, or not meant for this bridge."""


class ConfigurationError(BridgeError):
    """The configuration cannot be used as it is written."""


class OutboxUnavailable(BridgeError):
    """The outbox cannot take the completions now: they are *not* accepted."""


class StoreError(BridgeError):
    """The store did not do what it was asked; the completions are not (all) recorded."""


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
