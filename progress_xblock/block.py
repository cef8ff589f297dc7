"""The block itself: its handlers, and what the platform is told of it.

What it knows of the store is what `bridge` raises. Its views open no connection: what has to be
sent is sent by a handler, which the page's script calls.
"""

from __future__ import annotations

from typing import Any, Final

from django.http.request import RawPostDataException
from xblock.core import XBlock
from xblock.exceptions import JsonHandlerError

from bridge import check_json
from progress_xblock import lms
from progress_xblock.olx import OlxMixin
from progress_xblock.sending import SendingMixin
from progress_xblock.states import DONE_STATES, WAITING_STATES
from progress_xblock.studio_form import StudioFormMixin
from progress_xblock.telling import TellingMixin
from progress_xblock.views import ViewsMixin

_AUTHORS_TEXTS: Final = ("module_id", "sequence_id", "button_text", "done_text")
"""Besides title and grain, the texts that an author writes."""


class ProgressXBlock(
    ViewsMixin,
    SendingMixin,
    TellingMixin,
    StudioFormMixin,
    OlxMixin,
    XBlock,
):
    """A learner's word that a grain is done, recorded through the bridge.

    To the platform it is completed by its own word alone (`CompletableXBlockMixin`), once, as soon
    as the learner has completed it: whatever the bridge does with it afterwards.
    """

    icon_class = "other"

    show_in_read_only_mode = True
    """Whether staff who look at the course as a specific learner see it, as Open edX asks
    (``filter_displayed_blocks`` in ``lms/djangoapps/courseware/masquerade.py``)."""

    def handle(self, handler_name: str, request: Any, suffix: str = "") -> Any:
        """Refuse a body that is nested too deep, whichever handler it is for.

        XBlock parses it with `json.loads`, which cannot bear it.
        """
        try:
            check_json(request.body.decode(errors="replace"))
        except RawPostDataException:  # a form with files, which edX has read already
            return JsonHandlerError(400, "the body is not JSON").get_response()
        except ValueError as error:
            return JsonHandlerError(400, f"the body is {error}").get_response()
        return super().handle(handler_name, request, suffix)

    @XBlock.json_handler  # answers 405 to all but POST
    def complete(self, data: object, suffix: str = "") -> dict[str, Any]:
        """Record that the learner has completed the grain, and answer what the page shows."""
        learner, state = self._learner(), self._state
        known = bool(self.grain_id) or state in WAITING_STATES  # what waits keeps its own ids
        if self._may_record(learner) and state not in DONE_STATES and known:
            first = self.completed_at is None
            self._complete(learner)
            if first:
                self._tell_platform()
        # Nothing of the browser's was used: `data` may say what it will.
        return self._face(learner)

    @XBlock.json_handler
    def send_pending(self, data: object, suffix: str = "") -> dict[str, Any]:
        """Pass on what an earlier visit could not, to the bridge and to the platform."""
        learner = self._learner()
        if self._may_record(learner):
            first = self.completed_at is None
            if self._state in WAITING_STATES:
                self._send(learner)
                if first:  # a state of another version's
                    self._tell_platform()
            self._tell_platform_again()
        return self._face(learner)

    def clear_student_state(self, *, user_id: str, item_id: str, **_: object) -> None:
        """Take the completion back when staff delete a learner's state of the block.

        Open edX calls it before it does so, and leaves the completion to blocks whose completion is
        their own (``reset_student_attempts`` in ``lms/djangoapps/instructor/enrollment.py``). The
        record keeps its row.

        Args:
            user_id: the learner's anonymous id.
            item_id: the block's usage key.
        """
        lms.forget_completion(user_id, item_id, graded=self.has_score)

    def index_dictionary(self) -> dict[str, Any]:
        """Return what Studio's and the courses' search finds the block by: what authors wrote."""
        found: dict[str, Any] = super().index_dictionary()
        texts = {"display_name": self._title()}
        texts |= {name: getattr(self, name) for name in ("grain_id", *_AUTHORS_TEXTS)}
        content = {name: text for name, text in texts.items() if text}
        found["content"] = {**found.get("content", {}), **content}
        found["content_type"] = "Progress"
        return found

    def student_view_data(self, context: object = None) -> dict[str, Any]:
        """Return what the course blocks API tells apps of the block, nothing of any learner."""
        ids = ("grain_id", "module_id", "sequence_id")
        return {name: getattr(self, name) or None for name in (*ids, "complete_on")}
