"""The block itself: who is there, what they did, and what to tell them.

What it knows of the store is what `bridge` raises. Its views open no connection: what has to be
sent is sent by a handler, which the page's script calls.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from django.template import Context, Engine, Template  # type: ignore[import-untyped]
from django.utils.translation import get_language  # type: ignore[import-untyped]
from web_fragments.fragment import Fragment
from xblock.completable import CompletableXBlockMixin
from xblock.core import XBlock
from xblock.fields import DateTime, Dict, Scope, String

from bridge import BridgeError, Completion, CompletionRejected, Identity, InvalidInput
from bridge.origins import funmooc
from bridge.origins.funmooc import NoLearner, WhyNot
from progress_xblock.deployment import bridge_for, learner_id
from progress_xblock.studio import StudioMixin
from progress_xblock.texts import BUTTONS, MESSAGES, NO_GRAIN, PAGE, REASONS, State

log = logging.getLogger(__name__)

_BLOCKED: Final = "blocked"
"""What the page shows, instead of a `State`, when nothing may be recorded."""


@XBlock.needs("i18n")
@XBlock.wants("settings", "user")
class ProgressXBlock(StudioMixin, CompletableXBlockMixin, XBlock):  # type: ignore[misc]
    """A learner's word that a grain is done, recorded through the bridge.

    Completes as done-xblock does: `has_custom_completion`, one `completion` event of 1.0.
    """

    block_settings_key = "ProgressXBlock"
    icon_class = "other"

    state = String(
        help="How far the learner's completion has come.",
        default=State.NONE.value,
        scope=Scope.user_state,
    )
    completed_at = DateTime(
        help="When the learner completed the grain.", default=None, scope=Scope.user_state
    )
    pending = Dict(
        help="The ids of the completion that is still to be passed on, as they were then.",
        default={},
        scope=Scope.user_state,
    )

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

    @XBlock.json_handler  # type: ignore[untyped-decorator]
    def complete(self, data: object, suffix: str = "") -> dict[str, Any]:
        """The learner says that the grain is done. Nothing else is taken from the browser."""
        learner = self._learner()
        if isinstance(learner, Identity) and self._state is not State.DONE and self.grain_id:
            self._complete(learner)
        return self._face(learner)

    @XBlock.json_handler  # type: ignore[untyped-decorator]
    def send_pending(self, data: object, suffix: str = "") -> dict[str, Any]:
        """Pass on what an earlier visit could not."""
        learner = self._learner()
        if isinstance(learner, Identity) and self._state is State.PENDING:
            self._send(learner)
        return self._face(learner)

    @property
    def _state(self) -> State:
        return State(self.state)

    def _complete(self, learner: Identity) -> None:
        """Keep the completion in the learner's state, send it, and tell the platform."""
        first = self.completed_at is None
        if self._state is not State.PENDING:
            self.completed_at = self.completed_at or _now()
            self.pending = {
                "grain_id": self.grain_id,
                "module_id": self.module_id or None,
                "sequence_id": self.sequence_id or None,
            }
        self._send(learner)
        if first:
            self.emit_completion(1.0)

    def _send(self, learner: Identity) -> None:
        """Record what is pending; whatever happens, the state says so and nothing is raised."""
        try:
            completion = Completion(learner, completed_at=self.completed_at, **self.pending)
            self._record(completion)
        except (CompletionRejected, InvalidInput) as error:
            log.error("%s: the completion cannot be recorded: %s", self.scope_ids.usage_id, error)
            self.state = State.REFUSED.value
        except BridgeError as error:
            log.warning("%s: the completion is kept for later: %s", self.scope_ids.usage_id, error)
            self.state = State.PENDING.value
        else:
            self.state = State.DONE.value
            self.pending = {}

    def _record(self, completion: Completion) -> None:
        bridge_for(self._block_settings()).record(
            completion.identity.origin,
            completion.identity.external_user_id,
            completion.grain_id,
            module_id=completion.module_id,
            sequence_id=completion.sequence_id,
            completed_at=completion.completed_at,
        )

    def _learner(self) -> Identity | WhyNot:
        """The learner in front of the block, or why there is none."""
        settings = self.runtime.service(self, "settings")
        # A library that is being authored has no settings service, and its authors have real ids.
        authoring = settings is None or bool(getattr(self.runtime, "is_author_mode", False))
        users = self.runtime.service(self, "user")
        try:
            return funmooc.identity(users, learner_id(self._block_settings()), authoring=authoring)
        except BridgeError as error:
            why = error.why if isinstance(error, NoLearner) else WhyNot.NO_ID
            if why is WhyNot.NO_ID:
                log.error("%s: nothing can be recorded: %s", self.scope_ids.usage_id, error)
            return why

    def _block_settings(self) -> Mapping[str, Any]:
        service = self.runtime.service(self, "settings")
        return (service.get_settings_bucket(self) if service else None) or {}

    def _face(self, learner: Identity | WhyNot) -> dict[str, Any]:
        """What the page shows: the state, its words, and whether the button does something."""
        state = self._state
        blocked = self._blocked(learner)
        return {
            "state": _BLOCKED if blocked else state.value,
            "message": self.ugettext(blocked or MESSAGES[state]),
            "button": self.ugettext(BUTTONS[state]),
            "active": not blocked and state is not State.DONE,
            "completed_at": self.completed_at and self.completed_at.isoformat(),
        }

    def _blocked(self, learner: Identity | WhyNot) -> str | None:
        """Why a click would record nothing. What is recorded already stays true."""
        if self._state is State.DONE:
            return None
        if isinstance(learner, WhyNot):
            return REASONS[learner]
        return None if self.grain_id or self._state is State.PENDING else NO_GRAIN


def _now() -> datetime:
    """Now, cut to the millisecond as the bridge cuts it: the state and the row say the same."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@lru_cache
def _resource(path: str) -> str:
    return (files(__package__) / path).read_text(encoding="utf-8")


@lru_cache
def _template() -> Template:
    return Engine().from_string(_resource("templates/progress.html"))
