"""What the block holds, and what all of its parts ask: the fields, the learner, the settings.

Open edX mixes classes of its own into every block. Those that are based on ``XBlockMixin`` come
before all of ours that are not, and what they define hides ours: a title of None hid the block's
own (``XModuleFields`` in edx-platform's ``xmodule/x_module.py``). So every mixin of the block,
those of XBlock's library too, stands before ``XBlockMixin`` by way of `BaseMixin`.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from typing import Any

from xblock.completable import CompletableXBlockMixin
from xblock.core import XBlock, XBlockMixin
from xblock.fields import Scope
from xblock.utils.studio_editable import StudioEditableXBlockMixin

from bridge import BridgeError, ConfigurationError, Identity
from bridge.origins import funmooc
from bridge.origins.funmooc import LearnerId, NoLearner, WhyNot
from bridge.outbox.codec import restore
from progress_xblock.fields import (
    Flag,
    Instant,
    JSONObject,
    Names,
    Number,
    StateName,
    Text,
    WholeNumber,
)
from progress_xblock.settings import KEY, learner_id, section
from progress_xblock.states import WAITING, CompleteOn, State
from progress_xblock.studio_rules import PIXELS, SECONDS
from progress_xblock.texts import _
from progress_xblock.throttled_log import notice


@XBlock.needs("i18n")
@XBlock.wants("settings", "user", "completion")
class BaseMixin(
    StudioEditableXBlockMixin,  # type: ignore[misc]  # XBlock is not typed
    CompletableXBlockMixin,  # type: ignore[misc]
    XBlockMixin,  # type: ignore[misc]
):
    """The block's fields, and who is in front of it.

    What an author sets is exported with the course: no secret may be one of these fields.
    """

    block_settings_key = KEY

    display_name = Text(
        display_name=_("Title"),
        help=_("What learners read above the button."),
        default=_("My progress"),
        scope=Scope.settings,
    )
    grain_id = Text(
        display_name=_("Grain"),
        help=_("The id of the grain that learners complete here. Use it in one block only."),
        default="",
        scope=Scope.settings,
    )
    module_id = Text(
        display_name=_("Module"),
        help=_("The id of the module that the grain belongs to. Optional."),
        default="",
        scope=Scope.settings,
    )
    sequence_id = Text(
        display_name=_("Sequence"),
        help=_("The id of the sequence that the grain belongs to. Optional."),
        default="",
        scope=Scope.settings,
    )
    complete_on = Text(
        display_name=_("Completed by"),
        help=_(
            "A click; having had the block on the screen for some seconds, in one visit; or a page "
            "of the mini-site, embedded in the block, which says that the learner has finished."
        ),
        values=list(CompleteOn),
        default=CompleteOn.CLICK.value,
        scope=Scope.settings,
    )
    seen_seconds = WholeNumber(
        display_name=_("Seconds on the screen"),
        help=_("From 1 to 3600. Matters only when being on the screen completes the grain."),
        values={"min": SECONDS.start, "max": SECONDS.stop - 1},
        default=10,
        scope=Scope.settings,
    )
    page_path = Text(
        display_name=_("Path of the embedded page"),
        help=_(
            "Under the mini-site that the platform has set: lesson-1/ for example; empty for its "
            "first page. Matters only when the embedded page completes the grain."
        ),
        default="",
        scope=Scope.settings,
    )
    page_height = WholeNumber(
        display_name=_("Height of the embedded page"),
        help=_(
            "In pixels, from 100 to 2000. Matters only when the embedded page completes the grain."
        ),
        values={"min": PIXELS.start, "max": PIXELS.stop - 1},
        default=600,
        scope=Scope.settings,
    )
    button_text = Text(
        display_name=_("Text of the button"),
        help=_("At most 60 characters. Empty for “Mark as done”, in the learner's language."),
        default="",
        scope=Scope.settings,
    )
    done_text = Text(
        display_name=_("Text when it is done"),
        help=_(
            "At most 300 characters. Learners who have finished read it under the date. Optional."
        ),
        default="",
        scope=Scope.settings,
    )
    # Not "graded": in Open edX that name is inherited from the subsection, and a graded subsection
    # would make every block in it count (InheritableFieldsMixin in xmodule/modulestore).
    counts_for_grade = Flag(
        display_name=_("Counts for the grade"),
        help=_("In a graded subsection, whoever completes it gets all of its points."),
        default=False,
        scope=Scope.settings,
    )
    weight = Number(
        display_name=_("Weight in the grade"),
        help=_("Points that it is worth, 0 or more. Matters only when it counts for the grade."),
        values={"min": 0, "step": 0.1},
        default=1.0,
        scope=Scope.settings,
    )
    state = StateName(
        help="How far the learner's completion has come.",
        default=State.NONE.value,
        scope=Scope.user_state,
    )
    completed_at = Instant(
        help="When the learner completed the grain.", default=None, scope=Scope.user_state
    )
    pending = JSONObject(
        help="The completion that is still to be passed on, with the ids as they were then.",
        default={},
        scope=Scope.user_state,
    )
    untold = Names(
        help="What the platform is still to be told of: the completion, the grade.",
        default=[],
        scope=Scope.user_state,
    )

    @property
    def _state(self) -> State:
        """How far the completion has come.

        One of another version, or nonsense, is kept where there is something to keep: a completion
        that is passed on twice is recorded once.
        """
        kept = bool(self.completed_at or restore(self.pending))
        if self.state in tuple(State):
            state = State(self.state)
            return State.NONE if state in WAITING and not kept else state
        what = "a learner's state is none that this version knows"
        self._say(logging.WARNING, what, ValueError("kept" if kept else "taken for not done"))
        return State.PENDING if kept else State.NONE

    def _title(self) -> str:
        """The author's title as it stands; ours in the learner's language."""
        field = self.fields["display_name"]
        mine = not self.display_name or not field.is_set_on(self)
        return str(self.ugettext(field.default) if mine else self.display_name)

    def _way(self) -> CompleteOn:
        """What completes the grain; an imported value that does not exist is a click."""
        known = self.complete_on in tuple(CompleteOn)
        return CompleteOn(self.complete_on) if known else CompleteOn.CLICK

    def _seconds(self) -> int:
        """How long the block has to be seen."""
        return _within(SECONDS, self.seen_seconds)

    def _height(self) -> int:
        """The embedded page's height in pixels."""
        return _within(PIXELS, self.page_height)

    def _learner(self) -> Identity | WhyNot:
        """The learner in front of the block, or why there is none."""
        settings = self.runtime.service(self, "settings")
        # A library that is being authored has no settings service, and its authors have real ids.
        authoring = settings is None or bool(getattr(self.runtime, "is_author_mode", False))
        try:
            return funmooc.identity(
                self.runtime.service(self, "user"),
                self._learner_id(),
                authoring=authoring,
                course=getattr(self.scope_ids.usage_id, "course_key", None),
                bound_to=self.scope_ids.user_id,
            )
        except BridgeError as error:
            why = error.why if isinstance(error, NoLearner) else WhyNot.NO_ID
            if why is WhyNot.NO_ID:
                self._say(logging.ERROR, "nothing can be recorded", error)
            return why

    def _may_record(self, learner: Identity | WhyNot) -> bool:
        """Whether a completion is this learner's: to be recorded now, or kept until it can be."""
        return isinstance(learner, Identity) or learner is WhyNot.SETTINGS

    def _learner_id(self) -> LearnerId | None:
        """Which anonymous id stands for a learner; None while the settings do not tell."""
        try:
            return learner_id(self._block_settings())
        except ConfigurationError as error:
            self._say(logging.ERROR, "completions are kept until this is mended", error)
            return None

    def _block_settings(self) -> Mapping[str, Any]:
        """What the platform's team has set for the block.

        Raises:
            ConfigurationError: it is no mapping, or all blocks' settings are none.
        """
        service = self.runtime.service(self, "settings")
        try:
            return section(service.get_settings_bucket(self) if service else None)
        except (AttributeError, TypeError):  # edX's service takes XBLOCK_SETTINGS for a mapping
            raise ConfigurationError("XBLOCK_SETTINGS: not a mapping") from None

    def _say(self, level: int, what: str, error: Exception) -> None:
        notice(level, self.scope_ids.usage_id, what, error)


class Unexpected(Exception):
    """An error that is not ours, told by its type and its place.

    Nobody knows what its text holds.
    """

    def __init__(self, error: Exception) -> None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        super().__init__(f"unexpected {type(error).__name__} in {place.filename}:{place.lineno}")


def _within(allowed: range, value: int | None) -> int:
    """The value, brought into its range: what was imported may be out of it."""
    return min(max(value or 0, allowed.start), allowed.stop - 1)
