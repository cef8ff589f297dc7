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

from bridge import BridgeError, Completion, ConfigurationError, Identity
from bridge.origins import funmooc
from bridge.origins.funmooc import LearnerId, NoLearner, WhyNot
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
from progress_xblock.settings import SETTINGS_KEY, as_block_settings, learner_id
from progress_xblock.states import WAITING_STATES, CompleteOn, State
from progress_xblock.studio_rules import PAGE_HEIGHTS, SEEN_SECONDS
from progress_xblock.texts import _
from progress_xblock.throttled_log import log_throttled


@XBlock.needs("i18n")
@XBlock.wants("settings", "user", "completion")
class BaseMixin(
    StudioEditableXBlockMixin,
    CompletableXBlockMixin,
    XBlockMixin,
):
    """The block's fields, and what its parts ask: state, way, learner, settings.

    What an author sets is exported with the course: no secret may be one of these fields.
    """

    block_settings_key = SETTINGS_KEY

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
        values={"min": SEEN_SECONDS.start, "max": SEEN_SECONDS.stop - 1},
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
        values={"min": PAGE_HEIGHTS.start, "max": PAGE_HEIGHTS.stop - 1},
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
        """Return how far the completion has come.

        A state of another version, or nonsense, is taken for pending where a completion is kept:
        one that is passed on twice is recorded once.
        """
        kept = bool(self.completed_at or Completion.restore(self.pending))
        if self.state in tuple(State):
            state = State(self.state)
            return State.NONE if state in WAITING_STATES and not kept else state
        what = "a learner's state is none that this version knows"
        self._log_throttled(
            logging.WARNING, what, ValueError("kept" if kept else "taken for not done")
        )
        return State.PENDING if kept else State.NONE

    def _title(self) -> str:
        """Return the author's title as it stands, or ours in the learner's language."""
        field = self.fields["display_name"]
        mine = not self.display_name or not field.is_set_on(self)
        return str(self.ugettext(field.default) if mine else self.display_name)

    def _way(self) -> CompleteOn:
        """Return what completes the grain. An imported value that does not exist is a click."""
        known = self.complete_on in tuple(CompleteOn)
        return CompleteOn(self.complete_on) if known else CompleteOn.CLICK

    def _seconds_to_be_seen(self) -> int:
        """Return for how many seconds the block has to be seen, from 1 to 3600."""
        return _clamp(SEEN_SECONDS, self.seen_seconds)

    def _page_height(self) -> int:
        """Return the embedded page's height in pixels, from 100 to 2000."""
        return _clamp(PAGE_HEIGHTS, self.page_height)

    def _learner(self) -> Identity | WhyNot:
        """Return the learner in front of the block, or why there is none."""
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
                self._log_throttled(logging.ERROR, "nothing can be recorded", error)
            return why

    def _may_record(self, learner: Identity | WhyNot) -> bool:
        """Return whether this learner's completion is recorded, or kept until it can be."""
        return isinstance(learner, Identity) or learner is WhyNot.SETTINGS

    def _learner_id(self) -> LearnerId | None:
        """Return which anonymous id stands for a learner, or None where the settings are wrong."""
        try:
            return learner_id(self._block_settings())
        except ConfigurationError as error:
            self._log_throttled(logging.ERROR, "completions are kept until this is mended", error)
            return None

    def _block_settings(self) -> Mapping[str, Any]:
        """Return what the platform's team has set for the block.

        Raises:
            ConfigurationError: it is no mapping, or all blocks' settings are none.
        """
        service = self.runtime.service(self, "settings")
        try:
            return as_block_settings(service.get_settings_bucket(self) if service else None)
        except (AttributeError, TypeError):  # edX's service takes XBLOCK_SETTINGS for a mapping
            raise ConfigurationError("XBLOCK_SETTINGS: not a mapping") from None

    def _log_throttled(self, level: int, what: str, error: Exception) -> None:
        log_throttled(level, self.scope_ids.usage_id, what, error)


class UnexpectedError(Exception):
    """An error that is not ours, told by its type and its place.

    Nobody knows what its text holds.
    """

    def __init__(self, error: Exception) -> None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        super().__init__(f"unexpected {type(error).__name__} in {place.filename}:{place.lineno}")


def _clamp(allowed: range, value: int | None) -> int:
    """Bring the value into its range: what was imported may be out of it."""
    return min(max(value or 0, allowed.start), allowed.stop - 1)
