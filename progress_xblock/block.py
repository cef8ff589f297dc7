"""The block itself: who is there, what they may do, and what the platform is told of it.

What it knows of the store is what `bridge` raises. Its views open no connection: what has to be
sent is sent by a handler, which the page's script calls.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from xblock.completable import CompletableXBlockMixin
from xblock.core import XBlock
from xblock.fields import UserScope

from bridge import BridgeError, Identity
from bridge.origins import funmooc
from bridge.origins.funmooc import NoLearner, WhyNot
from progress_xblock.deployment import KEY, learner_id
from progress_xblock.sending import SendingMixin
from progress_xblock.studio_form import StudioFormMixin
from progress_xblock.texts import DONE, WAITING
from progress_xblock.views import ViewsMixin

FULL_GRADE: Final = {"value": 1.0, "max_value": 1.0, "only_if_higher": True}
"""Of the block's weight; a grade that staff raised is not lowered."""

WRITTEN: Final = ("module_id", "sequence_id", "button_text", "done_text")
"""Besides title and grain, the texts that an author writes."""


@XBlock.needs("i18n")
@XBlock.wants("settings", "user")
class ProgressXBlock(
    ViewsMixin,
    SendingMixin,
    StudioFormMixin,
    CompletableXBlockMixin,  # type: ignore[misc]  # XBlock is not typed
    XBlock,  # type: ignore[misc]
):
    """A learner's word that a grain is done, recorded through the bridge.

    To the platform it is completed by its own word alone (`CompletableXBlockMixin`), once, as soon
    as the learner has completed it: whatever the bridge does with it afterwards.
    """

    block_settings_key = KEY
    icon_class = "other"

    @property
    def has_score(self) -> bool:
        """Whether this very block counts for the grade.

        Asked of the class it is true, as it has to be: Open edX looks there for types that can
        have a score (``possibly_scored`` in ``lms/djangoapps/grades/scores.py``), then asks each
        block (``GradesTransformer``).
        """
        return bool(self.counts_for_grade)

    def max_score(self) -> float:
        """The raw score of whoever completes it; `weight` is what it is worth."""
        return FULL_GRADE["max_value"]

    @XBlock.json_handler  # type: ignore[untyped-decorator]  # answers 405 to all but POST
    def complete(self, data: object, suffix: str = "") -> dict[str, Any]:
        """The learner has completed the grain. Nothing else is taken from the browser."""
        learner = self._learner()
        known = bool(self.grain_id) or self._state in WAITING  # what waits keeps its own ids
        if isinstance(learner, Identity) and self._state not in DONE and known:
            first = self.completed_at is None
            self._complete(learner)
            if first:
                self._tell_platform()
        return self._face(learner)

    @XBlock.json_handler  # type: ignore[untyped-decorator]
    def send_pending(self, data: object, suffix: str = "") -> dict[str, Any]:
        """Pass on what an earlier visit could not."""
        learner = self._learner()
        if isinstance(learner, Identity) and self._state in WAITING:
            self._send(learner)
        return self._face(learner)

    def add_xml_to_node(self, node: Any) -> None:
        """Export what the author set. XBlock would write a learner's state too, where one is."""
        super().add_xml_to_node(node)
        for name, field in self.fields.items():
            if getattr(field.scope, "user", UserScope.NONE) is not UserScope.NONE:
                node.attrib.pop(name, None)

    def index_dictionary(self) -> dict[str, Any]:
        """What Studio's and the courses' search finds the block by: what authors wrote."""
        found: dict[str, Any] = super().index_dictionary()
        texts = {name: getattr(self, name) for name in ("display_name", "grain_id", *WRITTEN)}
        content = {name: text for name, text in texts.items() if text}
        found["content"] = {**found.get("content", {}), **content}
        found["content_type"] = "Progress"
        return found

    def student_view_data(self, context: object = None) -> dict[str, Any]:
        """What apps are told of the block by the course blocks API; nothing of any learner."""
        ids = ("grain_id", "module_id", "sequence_id")
        return {name: getattr(self, name) or None for name in (*ids, "complete_on")}

    def _tell_platform(self) -> None:
        self.emit_completion(1.0)
        if self.has_score and not self._is_late():
            self.runtime.publish(self, "grade", dict(FULL_GRADE))

    def _is_late(self) -> bool:
        """Whether the subsection's due date is over: the platform leaves that to each block.

        With the days of grace and the learner's own pace, as ``InheritanceMixin`` in edx-platform's
        ``modulestore/inheritance.py`` counts them.
        """
        has_deadline_passed = getattr(self, "has_deadline_passed", None)
        return bool(has_deadline_passed and has_deadline_passed())

    def _learner(self) -> Identity | WhyNot:
        """The learner in front of the block, or why there is none."""
        settings = self.runtime.service(self, "settings")
        # A library that is being authored has no settings service, and its authors have real ids.
        authoring = settings is None or bool(getattr(self.runtime, "is_author_mode", False))
        users = self.runtime.service(self, "user")
        course = getattr(self.scope_ids.usage_id, "course_key", None)
        try:
            wanted = learner_id(self._block_settings())
            return funmooc.identity(
                users,
                wanted,
                authoring=authoring,
                course=course,
                bound_to=self.scope_ids.user_id,
            )
        except BridgeError as error:
            why = error.why if isinstance(error, NoLearner) else WhyNot.NO_ID
            if why is WhyNot.NO_ID:
                self._say(logging.ERROR, "nothing can be recorded", error)
            return why
