"""The form that Studio opens for the block.

It is `StudioEditableXBlockMixin`'s, with a template of our own: the mixin's writes a weight of 1.5
as ``1,5`` for a French author, which a number field cannot hold, and its choices for true and
false, and its buttons, are in English.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from web_fragments.fragment import Fragment
from xblock.fields import Boolean, Field, Float, Integer
from xblock.utils.studio_editable import loader

from progress_xblock.resources import render, resource
from progress_xblock.states import CompleteOn
from progress_xblock.studio_validation import StudioValidationMixin
from progress_xblock.texts import FORM, GROUPS, WAYS, YES_NO

_CASTS: Final = ((Boolean, "boolean"), (Integer, "integer"), (Float, "float"))
"""What the mixin's script makes of the value before it sends it."""

_ONLY_FOR: Final[Mapping[str, tuple[str, str]]] = {
    "seen_seconds": ("complete_on", CompleteOn.SEEN),
    "page_path": ("complete_on", CompleteOn.PAGE),
    "page_height": ("complete_on", CompleteOn.PAGE),
    "weight": ("counts_for_grade", "1"),
}
"""The settings that matter only while another one has a value."""


class StudioFormMixin(StudioValidationMixin):
    """The form of the block's settings."""

    def studio_view(self, context: Mapping[str, Any] | None = None) -> Fragment:
        """Show the fields in groups, each with its help. What does not matter is hidden."""
        words = {name: self.ugettext(text) for name, text in FORM.items()}
        groups = [
            (self.ugettext(title), [self._entry(name) for name in names])
            for title, names in GROUPS.items()
        ]
        fragment = Fragment(render("studio", {**words, "groups": groups}))
        fragment.add_css(resource("static/css/studio.css"))
        fragment.add_javascript(loader.load_unicode("public/studio_edit.js"))
        fragment.add_javascript(resource("static/js/studio.js"))
        fragment.initialize_js("ProgressXBlockStudio")
        return fragment

    def _entry(self, name: str) -> dict[str, Any]:
        field = self.fields[name]
        value = getattr(self, name)
        return {
            "name": name,
            "label": self.ugettext(field.display_name),
            "help": self.ugettext(field.help),
            "cast": next((cast for kind, cast in _CASTS if isinstance(field, kind)), "string"),
            "is_set": field.is_set_on(self),
            "value": self._shown_value(field, value if field.is_set_on(self) else field.default),
            "default": self._shown_value(field, field.default),
            "choices": self._choices(name),
            "limits": field.values if isinstance(field.values, dict) else {},
            "only_for": _ONLY_FOR.get(name),
        }

    def _shown_value(self, field: Field, value: Any) -> str:
        if isinstance(field, Boolean):
            return str(int(bool(value)))
        ours = field.name == "display_name" and value == field.default
        return str(self.ugettext(value) if ours else "" if value is None else value)

    def _choices(self, name: str) -> list[tuple[str, str]]:
        if name == "complete_on":
            return [(way.value, self.ugettext(text)) for way, text in WAYS.items()]
        if name == "counts_for_grade":
            return [(str(int(value)), self.ugettext(text)) for value, text in YES_NO.items()]
        return []
