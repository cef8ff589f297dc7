"""What an author sets in Studio, held to the bridge's rules."""

from __future__ import annotations

from typing import Any, Final

from xblock.fields import Scope, String
from xblock.utils.studio_editable import StudioEditableXBlockMixin
from xblock.validation import Validation, ValidationMessage

from bridge import Completion, Identity, InvalidCompletion, Origin
from progress_xblock.texts import _

_ANYONE: Final = Identity(Origin.FUNMOOC, "anyone")
_IDS: Final = ("grain_id", "module_id", "sequence_id")


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
    editable_fields = ("display_name", "grain_id", "sequence_id", "module_id")

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
