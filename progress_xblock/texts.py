"""What the block says to learners and authors; the French is in ``translations``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from bridge.origins.funmooc import WhyNot

Gettext = Callable[[str], str]


def _(text: str) -> str:
    """Mark a text for translation; it is translated where it is shown."""
    return text


class State(StrEnum):
    """How far a learner's completion has come."""

    NONE = "none"
    PENDING = "pending"  # kept here, not recorded yet: the next visit sends it
    HELD = "held"  # the same, and first somebody has to mend a setting or the store
    REFUSED = "refused"  # the store refuses it, and would again
    ACCEPTED = "accepted"  # safe in the outbox, which passes it on
    DONE = "done"  # in the learner's record


DONE: Final = frozenset({State.ACCEPTED, State.DONE})
"""Nothing is left to do for the learner, nor for the block."""

WAITING: Final = frozenset({State.PENDING, State.HELD})
"""The next visit sends it."""

MESSAGES: Final[Mapping[State, str]] = {
    State.NONE: _("Not done yet."),
    State.PENDING: _(
        "Done on {date}. Your work is saved here and will be passed on automatically."
    ),
    State.HELD: _(
        "Done on {date}. Your work is saved here, but it cannot be recorded for now: "
        "the platform’s team has something to mend. It will be passed on afterwards."
    ),
    State.REFUSED: _(
        "Done on {date}. Your work is saved here, but it cannot be passed on. "
        "Please tell your course team."
    ),
    State.ACCEPTED: _("Done on {date}. It is saved and will be passed on."),
    State.DONE: _("Done on {date}. Your progress is recorded."),
}
"""``{date}`` is the day of the completion: the page puts it, in the learner's time zone."""

BUTTONS: Final[Mapping[State, str]] = {
    State.NONE: _("Mark as done"),
    State.PENDING: _("Pass it on now"),
    State.HELD: _("Try again"),
    State.REFUSED: _("Try again"),
    State.ACCEPTED: _("Done"),
    State.DONE: _("Done"),
}

REASONS: Final[Mapping[WhyNot, str]] = {
    WhyNot.PREVIEW: _("Preview: nothing is recorded from here."),
    WhyNot.MASQUERADE: _(
        "You are looking at the course as another learner: nothing is recorded for them."
    ),
    WhyNot.NOT_LOGGED_IN: _("Sign in to keep your progress."),
    WhyNot.NO_ID: _(
        "Your progress cannot be recorded: the platform does not tell us who you are. "
        "Please tell your course team."
    ),
}

NO_GRAIN: Final = _(
    "Your progress cannot be recorded: this activity is not set up yet. "
    "Please tell your course team."
)

PAGE: Final[Mapping[str, str]] = {
    "sending": _("Saving…"),
    "lost": _(
        "The connection was lost. Please try again: what was saved already is not counted twice."
    ),
    "expired": _("Your session has expired. Reload the page, sign in, then try again."),
    "failed": _("The platform did not answer as it should. Reload the page, then try again."),
}
"""What only the page's script can say."""

RULES: Final = (
    _("missing"),
    _("not a string"),
    _("empty"),
    _("too long (at most 255 characters)"),
    _("a character is not printable"),
)
"""The bridge's rules for ids, in its words: `bridge.model`."""
