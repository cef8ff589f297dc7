"""What an author sets in Studio: the fields, and what Studio says of them."""

from __future__ import annotations

from typing import Any

from xblock.fields import Boolean, Float, Integer, Scope, String
from xblock.utils.studio_editable import StudioEditableXBlockMixin
from xblock.validation import Validation, ValidationMessage

from progress_xblock.rules import PIXELS, SECONDS, Rule, broken
from progress_xblock.texts import (
    COUNTS_FOR_NOTHING,
    GROUPS,
    NO_KEY_HERE,
    NO_PAGE_HERE,
    TWIN,
    CompleteOn,
    _,
)


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
        display_name=_("Completed by"),
        help=_(
            "A click; having had the block on the screen for some seconds, in one visit; or a page "
            "of the mini-site, embedded in the block, which says that the learner has finished."
        ),
        values=list(CompleteOn),
        default=CompleteOn.CLICK.value,
        scope=Scope.settings,
    )
    seen_seconds = Integer(
        display_name=_("Seconds on the screen"),
        help=_("From 1 to 3600. Matters only when being on the screen completes the grain."),
        values={"min": SECONDS.start, "max": SECONDS.stop - 1},
        default=10,
        scope=Scope.settings,
    )
    page_path = String(
        display_name=_("Path of the embedded page"),
        help=_(
            "Under the mini-site that the platform has set: lesson-1/ for example; empty for its "
            "first page. Matters only when the embedded page completes the grain."
        ),
        default="",
        scope=Scope.settings,
    )
    page_height = Integer(
        display_name=_("Height of the embedded page"),
        help=_(
            "In pixels, from 100 to 2000. Matters only when the embedded page completes the grain."
        ),
        values={"min": PIXELS.start, "max": PIXELS.stop - 1},
        default=600,
        scope=Scope.settings,
    )
    button_text = String(
        display_name=_("Text of the button"),
        help=_("At most 60 characters. Empty for “Mark as done”, in the learner's language."),
        default="",
        scope=Scope.settings,
    )
    done_text = String(
        display_name=_("Text when it is done"),
        help=_(
            "At most 300 characters. Learners who have finished read it under the date. Optional."
        ),
        default="",
        scope=Scope.settings,
    )
    # Not "graded": in Open edX that name is inherited from the subsection, and a graded subsection
    # would make every block in it count (InheritableFieldsMixin in xmodule/modulestore).
    counts_for_grade = Boolean(
        display_name=_("Counts for the grade"),
        help=_("In a graded subsection, whoever completes it gets all of its points."),
        default=False,
        scope=Scope.settings,
    )
    weight = Float(
        display_name=_("Weight in the grade"),
        help=_("Points that it is worth, 0 or more. Matters only when it counts for the grade."),
        values={"min": 0, "step": 0.1},
        default=1.0,
        scope=Scope.settings,
    )
    editable_fields = tuple(name for names in GROUPS.values() for name in names)

    def clean_studio_edits(self, data: dict[str, Any]) -> None:
        """Strip the texts; the ids as the bridge would."""
        for name, value in data.items():
            if isinstance(value, str):
                data[name] = value.strip()

    def validate_field_data(self, validation: Validation, data: Any) -> None:
        """Refuse what breaks a rule, with the rule in words."""
        for name in self.editable_fields:
            rule = broken(name, getattr(data, name))
            if rule is not None:
                _add(validation, ValidationMessage.ERROR, self._words(name, rule))

    def validate(self) -> Validation:
        """What Studio shows in the unit: what breaks a rule, and what the author may have missed.

        Studio's hook on duplicating a block (``studio_post_duplicate``) can say nothing to the
        author. So it is here that a grain which is used twice shows, and goes on showing.
        """
        validation = super().validate()
        if not self.grain_id:
            text = _("Give the id of the grain: until then nothing is recorded.")
            _add(validation, ValidationMessage.WARNING, self.ugettext(text))
        for title in self._twins():
            text = self.ugettext(TWIN).format(grain=self.grain_id, title=title)
            _add(validation, ValidationMessage.WARNING, text)
        for text in self._missing_for_page():
            _add(validation, ValidationMessage.WARNING, self.ugettext(text))
        if self.counts_for_grade and not self.weight:
            _add(validation, ValidationMessage.WARNING, self.ugettext(COUNTS_FOR_NOTHING))
        return validation

    def _missing_for_page(self) -> list[str]:
        """What the platform's team has not set for the embedded page.

        Studio may ask before it has given the block its settings, which then say nothing
        (``ContainerChildrenView`` in edx-platform's ``contentstore/rest_api``).
        """
        if self._way() is not CompleteOn.PAGE or not self.runtime.service(self, "settings"):
            return []
        if not self._site():
            return [NO_PAGE_HERE]
        return [] if self._launcher() else [NO_KEY_HERE]

    def _words(self, name: str, rule: Rule) -> str:
        pattern = _("{field}: {rule} ({value})") if rule.shown else _("{field}: {rule}")
        return str(self.ugettext(pattern)).format(
            field=self.ugettext(self.fields[name].display_name),
            rule=self.ugettext(rule.text).format(**rule.values),
            value=rule.shown,
        )

    def _twins(self) -> list[str]:
        """The titles of the blocks beside this one that report the same grain.

        Only the same unit is looked at, which is loaded when Studio shows it: a grain that another
        unit uses as well is not seen.
        """
        if not self.grain_id or self.parent is None:
            return []
        beside = self.get_parent().get_children()
        return [
            block.display_name
            for block in beside
            if isinstance(block, StudioMixin)
            and block.scope_ids.usage_id != self.scope_ids.usage_id
            and block.grain_id == self.grain_id
        ]

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


def _within(allowed: range, value: int | None) -> int:
    """The value, brought into its range: what was imported may be out of it."""
    return min(max(value or 0, allowed.start), allowed.stop - 1)


def _add(validation: Validation, kind: str, text: str) -> None:
    validation.add(ValidationMessage(kind, text))
