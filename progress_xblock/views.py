"""The block's face: what its pages show, in the reader's language. Views open no connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import get_language
from web_fragments.fragment import Fragment
from xblock.core import XBlock

from bridge import Identity
from bridge.origins.funmooc import WhyNot
from progress_xblock.launch import LaunchMixin
from progress_xblock.resources import render, resource
from progress_xblock.states import DONE_STATES, WAITING_STATES, CompleteOn, State
from progress_xblock.studio_rules import is_wrong_path
from progress_xblock.telling import TellingMixin
from progress_xblock.texts import (
    BUTTONS,
    COUNTS,
    DONE_ON,
    DONE_SOMETIME,
    MESSAGES,
    NO_GRAIN,
    NO_SITE,
    PAGE,
    PREVIEW,
    PUBLIC,
    REASONS,
    SEEN,
    TO_DO,
    WAYS,
)

_BLOCKED: Final = "blocked"
"""What the page shows, instead of a `State`, when nothing may be recorded."""


class ViewsMixin(TellingMixin, LaunchMixin):
    """The block's views, and the face that they and the handlers' answers show."""

    has_author_view = True  # else Studio would show `student_view`

    @XBlock.supports("multi_device")  # mobile apps show it
    def student_view(self, context: Mapping[str, Any] | None = None) -> Fragment:
        """Show what the learner sees."""
        face = self._face(self._learner())
        return self._fragment(self._box_html(face), face)

    def author_view(self, context: Mapping[str, Any] | None = None) -> Fragment:
        """Show in Studio what the learner will see, marked as a preview, with what it reports."""
        face = self._face_of(State.NONE, self._what_is_missing())
        html = render("preview", self._preview_words() | {"box": self._box_html(face)})
        return self._fragment(html, face, preview=self.ugettext(REASONS[WhyNot.PREVIEW]))

    def public_view(self, context: Mapping[str, Any] | None = None) -> Fragment:
        """Show a visitor who is not signed in what this is for, and what to do."""
        reason = self.ugettext(REASONS[WhyNot.NOT_LOGGED_IN])
        words = {"title": self._title(), "text": self.ugettext(PUBLIC), "reason": reason}
        fragment = Fragment(render("public", words))
        fragment.add_css(resource("static/css/progress.css"))
        return fragment

    def _fragment(self, html: str, face: Mapping[str, Any], preview: str = "") -> Fragment:
        """Return the page with its style and script. ``preview`` is what a click says in Studio."""
        fragment = Fragment(html)
        fragment.add_css(resource("static/css/progress.css"))
        fragment.add_javascript(resource("static/js/progress.js"))
        arguments = {
            "face": face,
            "texts": {name: self.ugettext(text) for name, text in PAGE.items()},
            "language": get_language(),
            "seconds": self._seconds_to_be_seen(),
            "site": self._mini_site(),
            "grain": (self.grain_id or "").strip(),  # as it is in the token; an import's may not be
            "preview": preview,
        }
        fragment.initialize_js("ProgressXBlock", arguments)
        return fragment

    def _box_html(self, face: Mapping[str, Any]) -> str:
        # The script puts the day in the learner's language and time zone; until then, the date.
        text = face["message"].replace("{date}", (face["completed_at"] or "")[:10])
        way = self._way()
        words = {
            "title": self._title(),
            "text": text,
            "height": self._page_height() if self._page_url() else None,
            "seconds": self._seconds_to_be_seen() if way is CompleteOn.SEEN else None,
            "seen": self.ugettext(SEEN),
            "wait": face["active"] and face["state"] == State.NONE,
        }
        return render("progress", {**face, **words})

    def _preview_words(self) -> dict[str, Any]:
        """Return what the author's view tells of the settings."""
        words = {name: self.ugettext(text) for name, text in PREVIEW.items()}
        way = self._way()
        facts = [
            (self.ugettext(self.fields[name].display_name), getattr(self, name) or None)
            for name in ("grain_id", "sequence_id", "module_id")
        ]
        facts.append((words["completes"], self.ugettext(WAYS[way])))
        if way is CompleteOn.PAGE:
            facts.append((words["page"], self._page_url()))
        counts = self.ugettext(COUNTS[bool(self.counts_for_grade)])
        return {**words, "facts": [*facts, (words["grade"], counts)]}

    def _face(self, learner: Identity | WhyNot) -> dict[str, Any]:
        """Return what the page shows: the state, its words, whether the button does something."""
        state = self._state
        if learner is WhyNot.MASQUERADE:
            return self._face_of_another(state)
        unsent = self._may_record(learner) and (state in WAITING_STATES or self._can_tell_again())
        return self._face_of(state, self._why_blocked(learner, state)) | {"unsent": unsent}

    def _face_of(self, state: State, blocked: str | None) -> dict[str, Any]:
        return {
            "state": _BLOCKED if blocked else state.value,
            "message": self.ugettext(blocked) if blocked else self._message(state),
            "note": (self.done_text or "")
            if state in DONE_STATES | WAITING_STATES and not blocked
            else "",
            "button": self._button_text(state),
            "active": not blocked and state not in DONE_STATES,
            "completed_at": self.completed_at and self.completed_at.isoformat(),
            "unsent": False,
        }

    def _face_of_another(self, state: State) -> dict[str, Any]:
        """Return what staff see who look as this learner: the truth, and no way to add to it."""
        face = self._face_of(state, None)
        reason = self.ugettext(REASONS[WhyNot.MASQUERADE])
        shown = _BLOCKED if state is State.NONE else state.value
        return face | {"state": shown, "message": f"{face['message']} {reason}", "active": False}

    def _message(self, state: State) -> str:
        if state is not State.NONE:
            done = self.ugettext(DONE_ON if self.completed_at else DONE_SOMETIME)
            return f"{done} {self.ugettext(MESSAGES[state])}"
        text: str = self.ugettext(TO_DO[self._way()])
        return text.replace("{seconds}", str(self._seconds_to_be_seen()))

    def _button_text(self, state: State) -> str:
        """Return the button's text, empty for no button where the embedded page completes."""
        if self._way() is CompleteOn.PAGE and state in DONE_STATES | {State.NONE}:
            return ""
        own = self.button_text if state is State.NONE else ""
        return own or str(self.ugettext(BUTTONS[state]))

    def _why_blocked(self, learner: Identity | WhyNot, state: State) -> str | None:
        """Return why a click would record nothing. What is recorded already stays true."""
        if state in DONE_STATES:
            return None
        if isinstance(learner, WhyNot) and not self._may_record(learner):
            return REASONS[learner]
        return None if state in WAITING_STATES else self._what_is_missing()

    def _what_is_missing(self) -> str | None:
        """Return what the author or the platform's team has not set."""
        page = self._way() is CompleteOn.PAGE
        if not self.grain_id or (page and is_wrong_path(self.page_path or "")):
            return NO_GRAIN
        return NO_SITE if page and not self._mini_site() else None
