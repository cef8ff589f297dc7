"""What an author sets in Studio, held to the bridge's rules."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from xblock.fields import Boolean, Float, Integer, Scope, String
from xblock.utils.studio_editable import StudioEditableXBlockMixin
from xblock.validation import Validation, ValidationMessage

from bridge import Completion, Identity, InvalidCompletion, Origin
from progress_xblock.texts import _

_ANYONE: Final = Identity(Origin.FUNMOOC, "anyone")
_IDS: Final = ("grain_id", "module_id", "sequence_id")


class CompleteOn(StrEnum):
    """What completes the grain."""

    CLICK = "click"  # the learner says so
    SEEN = "seen"  # the block was on the screen for `seen_seconds`
    PAGE = "page"  # the embedded page says so


class StudioMixin(StudioEditableXBlockMixin):  # type: ignore[misc]  # XBlock is not typed
    """The block's settings. They are exported with the course: no secret may be one of them."""

    display_name = String(
        display_name=_("Title"),
        help=_("What learners read above the button."),
        default=_("My progress"),
        scope=Scope.settings,
    )
    grain_id = String(
        display_name=_("Grain"),
        help=_("The id of the grain that learners complete here. Use it in one block only."),
        default="",
        scope=Scope.settings,
    )
    module_id = String(
        display_name=_("Module"),
        help=_("The id of the module that the grain belongs to. Optional."),
        default="",
        scope=Scope.settings,
    )
    sequence_id = String(
        display_name=_("Sequence"),
        help=_("The id of the sequence that the grain belongs to. Optional."),
        default="",
        scope=Scope.settings,
    )
    complete_on = String(
        display_name=_("What completes the grain"),
        help=_("The learner's click, having been on the screen, or the embedded page."),
        values=[
            {"display_name": _("The learner clicks the button"), "value": CompleteOn.CLICK.value},
            {"display_name": _("It has been on the screen"), "value": CompleteOn.SEEN.value},
            {"display_name": _("The embedded page says so"), "value": CompleteOn.PAGE.value},
        ],
        default=CompleteOn.CLICK.value,
        scope=Scope.settings,
    )
    seen_seconds = Integer(
        display_name=_("Seconds on the screen"),
        help=_("How long it has to be on the screen to be completed: 1 to 3600 seconds."),
        values={"min": 1, "max": 3600},
        default=10,
        scope=Scope.settings,
    )
    button_text = String(
        display_name=_("Text of the button"),
        help=_("Empty for the usual one, in the learner's language."),
        default="",
        scope=Scope.settings,
    )
    done_text = String(
        display_name=_("Text when it is done"),
        help=_("Empty for the usual one, in the learner's language."),
        default="",
        scope=Scope.settings,
    )
    # Not "graded": in Open edX that name is inherited from the subsection, and a graded subsection
    # would make every block in it count (InheritableFieldsMixin in xmodule/modulestore).
    counts_for_grade = Boolean(
        display_name=_("Counts for the grade"),
        help=_("In a graded subsection, whoever completes it gets its full weight."),
        default=False,
        scope=Scope.settings,
    )
    weight = Float(
        display_name=_("Weight in the grade"),
        help=_("Points that it is worth, 0 or more."),
        values={"min": 0, "step": 0.1},
        default=1.0,
        scope=Scope.settings,
    )
    page_path = String(
        display_name=_("Path of the embedded page"),
        help=_("Under the mini-site that the platform has set. Empty for none."),
        default="",
        scope=Scope.settings,
    )
    page_height = Integer(
        display_name=_("Height of the embedded page"),
        help=_("In pixels, 100 to 2000."),
        values={"min": 100, "max": 2000},
        default=600,
        scope=Scope.settings,
    )
    editable_fields = (
        "display_name",
        "grain_id",
        "sequence_id",
        "module_id",
        "complete_on",
        "seen_seconds",
        "button_text",
        "done_text",
        "page_path",
        "page_height",
        "counts_for_grade",
        "weight",
    )

    def clean_studio_edits(self, data: dict[str, Any]) -> None:
        """Strip the ids, as the bridge would."""
        for name in _IDS:
            if isinstance(data.get(name), str):
                data[name] = data[name].strip()

    def validate_field_data(self, validation: Validation, data: Any) -> None:
        """Refuse an id that the bridge would refuse, with the rule in words."""
        for name in _IDS:
            value = getattr(data, name)
            if not value:
                continue
            try:
                Completion(_ANYONE, value)
            except InvalidCompletion as error:
                field = self.ugettext(self.fields[name].display_name)
                text = f"{field}: {self.ugettext(error.rule)}: {error.value}"
                validation.add(ValidationMessage(ValidationMessage.ERROR, text))

    def validate(self) -> Validation:
        """What Studio shows in the unit: the above, and that the grain is missing."""
        validation = super().validate()
        if not self.grain_id:
            text = self.ugettext(_("Give the id of the grain: until then nothing is recorded."))
            validation.add(ValidationMessage(ValidationMessage.WARNING, text))
        return validation
