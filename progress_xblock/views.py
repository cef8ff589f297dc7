"""The block's face: what its page shows, in the learner's language. Views open no connection."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from django.template import Context, Engine, Template  # type: ignore[import-untyped]
from django.utils.translation import get_language  # type: ignore[import-untyped]
from web_fragments.fragment import Fragment
from xblock.core import XBlockMixin

from bridge import Identity
from bridge.origins.funmooc import WhyNot
from progress_xblock.texts import (
    BUTTONS,
    DONE,
    MESSAGES,
    NO_GRAIN,
    PAGE,
    REASONS,
    WAITING,
)

_BLOCKED: Final = "blocked"
"""What the page shows, instead of a `State`, when nothing may be recorded."""


class ViewsMixin(XBlockMixin):  # type: ignore[misc]  # XBlock is not typed
    """The block's views, and the face that they and the handlers' answers show."""

    def student_view(self, context: Mapping[str, Any] | None = None) -> Fragment:
        """What the learner sees; opens no connection."""
        face = self._face(self._learner())
        fragment = Fragment(self._html(face))
        fragment.add_css(_resource("static/css/progress.css"))
        fragment.add_javascript(_resource("static/js/progress.js"))
        texts = {name: self.ugettext(text) for name, text in PAGE.items()}
        arguments = {"face": face, "texts": texts, "language": get_language()}
        fragment.initialize_js("ProgressXBlock", arguments)
        return fragment

    def _html(self, face: Mapping[str, Any]) -> str:
        # The script puts the day in the learner's language and time zone; until then, the date.
        text = face["message"].replace("{date}", (face["completed_at"] or "")[:10])
        context = Context({"title": self._title(), "text": text, **face})
        return str(_template().render(context))

    def _title(self) -> str:
        """The author's title as it stands; ours in the learner's language."""
        mine = not self.fields["display_name"].is_set_on(self)
        return str(self.ugettext(self.display_name) if mine else self.display_name)

    def _face(self, learner: Identity | WhyNot) -> dict[str, Any]:
        """What the page shows: the state, its words, and whether the button does something."""
        state = self._state
        blocked = self._blocked(learner)
        return {
            "state": _BLOCKED if blocked else state.value,
            "message": self.ugettext(blocked or MESSAGES[state]),
            "button": self.ugettext(BUTTONS[state]),
            "active": not blocked and state not in DONE,
            "completed_at": self.completed_at and self.completed_at.isoformat(),
        }

    def _blocked(self, learner: Identity | WhyNot) -> str | None:
        """Why a click would record nothing. What is recorded already stays true."""
        if self._state in DONE:
            return None
        if isinstance(learner, WhyNot):
            return REASONS[learner]
        return None if self.grain_id or self._state in WAITING else NO_GRAIN


@lru_cache
def _resource(path: str) -> str:
    return (files(__package__) / path).read_text(encoding="utf-8")


@lru_cache
def _template() -> Template:
    return Engine().from_string(_resource("templates/progress.html"))
