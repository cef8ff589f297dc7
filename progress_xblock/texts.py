"""What the block says to learners and authors. The French is in ``translations``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bridge import RuleCode
from bridge.origins.funmooc import WhyNot
from progress_xblock.states import CompleteOn, State

Gettext = Callable[[str], str]


def _(text: str) -> str:
    """Mark a text for translation. It is translated where it is shown."""
    return text


TO_DO: Final[Mapping[CompleteOn, str]] = {
    CompleteOn.CLICK: _("Not done yet."),
    CompleteOn.SEEN: _(
        "Not done yet. This will be marked as done after {seconds} s on your screen, "
        "or when you press the button."
    ),
    CompleteOn.PAGE: _("Not done yet. Finish the activity above: it will be marked as done here."),
}
"""What is said while the state is `State.NONE`. ``{seconds}`` is the author's number."""

DONE_ON: Final = _("Done on {date}.")
"""``{date}`` is the day of the completion: the page puts it, in the learner's time zone."""

DONE_SOMETIME: Final = _("Done.")
"""The same where the state does not hold the instant."""

MESSAGES: Final[Mapping[State, str]] = {
    State.PENDING: _("Your work is saved here and will be passed on automatically."),
    State.HELD: _(
        "Your work is saved here, but it cannot be recorded for now: "
        "the platform’s team has something to mend. It will be passed on afterwards."
    ),
    State.REFUSED: _(
        "Your work is saved here, but it cannot be passed on. Please tell your course team."
    ),
    State.ACCEPTED: _("It is saved and will be passed on."),
    State.DONE: _("Your progress is recorded."),
}
"""What follows `DONE_ON`."""

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
        "You are looking at the course as another learner: from here, nothing is recorded for them."
    ),
    WhyNot.ROLE: _(
        "You are looking at the course as a learner would: nothing is recorded for you. "
        "Go back to the staff view to record your own progress."
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

NO_SITE: Final = _(
    "Your progress cannot be recorded: the platform does not say where the page of this activity "
    "is. Please tell your course team."
)

PAGE: Final[Mapping[str, str]] = {
    "sending": _("Saving…"),
    "again": _("Try again"),
    "lost": _(
        "The connection was lost. Please try again: what was saved already is not counted twice."
    ),
    "expired": _("Your session has expired. Reload the page, sign in, then try again."),
    "failed": _("The platform did not answer as it should. Reload the page, then try again."),
}
"""What only the page's script can say."""

SEEN: Final = _("Time on your screen")
"""What the bar of a grain that is completed by being seen measures."""

PUBLIC: Final = _("This is where learners keep track of what they have finished in this course.")
"""For a visitor who is not signed in."""

PREVIEW: Final[Mapping[str, str]] = {
    "preview": _("Preview"),
    "nothing": _("Learners see what is below. Nothing is recorded from here."),
    "missing": _("not set"),
    "completes": _("Completed by"),
    "grade": _("Grade"),
    "page": _("Embedded page"),
}
"""The author's view, besides the fields' own names."""

WAYS: Final[Mapping[CompleteOn, str]] = {
    CompleteOn.CLICK: _("The learner's click on the button"),
    CompleteOn.SEEN: _("Being on the learner's screen, or a click on the button"),
    CompleteOn.PAGE: _("The embedded page, when the learner has finished there"),
}
"""The choices of the author."""

GROUPS: Final[Mapping[str, Sequence[str]]] = {
    _("What is reported"): ("display_name", "grain_id", "sequence_id", "module_id"),
    _("What completes the grain"): ("complete_on", "seen_seconds", "page_path", "page_height"),
    _("Texts"): ("button_text", "done_text"),
    _("Grade"): ("counts_for_grade", "weight"),
}
"""The settings, as Studio's form groups them."""

FORM: Final[Mapping[str, str]] = {
    "save": _("Save"),
    "cancel": _("Cancel"),
    "clear": _("Back to the default"),
}

YES_NO: Final[Mapping[bool, str]] = {True: _("Yes"), False: _("No")}

TWIN: Final = _(
    "Another block of this unit reports the grain {grain} as well: “{title}”. A grain should be "
    "used in one block only; other units are not looked at."
)

NO_PAGE_HERE: Final = _(
    "This platform has no mini-site set, so that no page can be embedded: learners are told that "
    "their progress cannot be recorded. Please ask the platform’s team for it."
)

NO_KEY_HERE: Final = _(
    "This platform has no key for launch tokens: a page of the mini-site cannot know the learner, "
    "nor say that they have finished. Please ask the platform’s team for it."
)

NOT_THE_FORM: Final = _("Nothing was saved: this is not what the form sends. Reload the page.")

COUNTS_FOR_NOTHING: Final = _("It counts for the grade, but its weight is 0.")

COUNTS: Final[Mapping[bool, str]] = {True: _("Counts"), False: _("Does not count")}

RULES: Final[Mapping[RuleCode, str]] = {
    RuleCode.MISSING: _("missing"),
    RuleCode.NOT_A_STRING: _("not a string"),
    RuleCode.EMPTY: _("empty"),
    RuleCode.TOO_LONG: _("too long (at most 255 characters)"),
    RuleCode.NOT_PRINTABLE: _("a character is not printable"),
}
"""The bridge's rules for ids, by their codes: the bridge's own words may change."""
