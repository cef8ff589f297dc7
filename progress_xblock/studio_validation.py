"""What Studio says of an author's settings."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from xblock.core import XBlock
from xblock.exceptions import JsonHandlerError
from xblock.utils.studio_editable import FutureFields
from xblock.validation import Validation, ValidationMessage

from progress_xblock.base import UnexpectedError
from progress_xblock.fields import READ_ERRORS
from progress_xblock.launch import LaunchMixin
from progress_xblock.states import CompleteOn
from progress_xblock.studio_rules import BrokenRule, broken_rule
from progress_xblock.texts import (
    COUNTS_FOR_NOTHING,
    GROUPS,
    NO_KEY_HERE,
    NO_PAGE_HERE,
    NOT_THE_FORM,
    TWIN,
    _,
)


class StudioValidationMixin(LaunchMixin):
    """What is refused when an author saves, and what Studio shows beside the block."""

    editable_fields = tuple(name for names in GROUPS.values() for name in names)

    @XBlock.json_handler
    def submit_studio_edits(self, data: object, suffix: str = "") -> dict[str, str]:
        """Save the form, all of it or nothing: 400 with every rule that is broken, in words.

        As `StudioEditableXBlockMixin` does, whose handler raises where the body is not the form's
        or a value not its field's.
        """
        values, reset = self._form_values(data)
        self.clean_studio_edits(values)
        validation = Validation(self.scope_ids.usage_id)
        self.validate_field_data(validation, FutureFields(values, reset, self))
        if not validation:
            raise JsonHandlerError(400, validation.to_json())
        for name, value in values.items():
            setattr(self, name, value)
        for name in reset:
            self.fields[name].delete_from(self)
        return {"result": "success"}

    def _form_values(self, data: object) -> tuple[dict[str, Any], list[str]]:
        """Return the values that are set, and the names of the fields that go back to defaults.

        A value that is not its field's stays as it is: a rule is there to refuse it.
        """
        body = data if isinstance(data, dict) else {}
        values, defaults = body.get("values"), body.get("defaults")
        if not isinstance(values, dict) or not isinstance(defaults, list):
            raise JsonHandlerError(400, self.ugettext(NOT_THE_FORM))
        names = self.editable_fields
        given = {name: self._read_value(name, values[name]) for name in names if name in values}
        return given, [name for name in names if name in defaults and name not in values]

    def _read_value(self, name: str, value: Any) -> Any:
        with suppress(*READ_ERRORS):
            return self.fields[name].read_strict(value)
        return value

    def clean_studio_edits(self, data: dict[str, Any]) -> None:
        """Strip the texts, the ids as the bridge would."""
        for name, value in data.items():
            if isinstance(value, str):
                data[name] = value.strip()

    def validate_field_data(self, validation: Validation, data: Any) -> None:
        """Refuse what breaks a rule, with the rule in words."""
        for name in self.editable_fields:
            rule = broken_rule(name, getattr(data, name))
            if rule is not None:
                _add(validation, ValidationMessage.ERROR, self._rule_text(name, rule))

    def validate(self) -> Validation:
        """Say in the unit what breaks a rule, and what the author may have missed.

        Studio's hook on duplicating a block (``studio_post_duplicate``) can say nothing to the
        author. So it is here that a grain which is used twice shows, and goes on showing.
        """
        validation = super().validate()
        if not self.grain_id:
            text = _("Give the id of the grain: until then nothing is recorded.")
            _add(validation, ValidationMessage.WARNING, self.ugettext(text))
        for title in self._titles_of_twins():
            text = self.ugettext(TWIN).format(grain=self.grain_id, title=title)
            _add(validation, ValidationMessage.WARNING, text)
        for text in self._missing_for_page():
            _add(validation, ValidationMessage.WARNING, self.ugettext(text))
        if self.counts_for_grade and not self.weight:
            _add(validation, ValidationMessage.WARNING, self.ugettext(COUNTS_FOR_NOTHING))
        return validation

    def _missing_for_page(self) -> list[str]:
        """Return what the platform's team has not set for the embedded page.

        Studio may ask before it has given the block its settings, which then say nothing
        (``ContainerChildrenView`` in edx-platform's ``contentstore/rest_api``).
        """
        if self._way() is not CompleteOn.PAGE or not self.runtime.service(self, "settings"):
            return []
        if not self._mini_site():
            return [NO_PAGE_HERE]
        return [] if self._token_issuer() else [NO_KEY_HERE]

    def _rule_text(self, name: str, rule: BrokenRule) -> str:
        pattern = _("{field}: {rule} ({value})") if rule.shown else _("{field}: {rule}")
        return str(self.ugettext(pattern)).format(
            field=self.ugettext(self.fields[name].display_name),
            rule=self.ugettext(rule.text).format(**rule.values),
            value=rule.shown,
        )

    def _titles_of_twins(self) -> list[str]:
        """Return the titles of the blocks beside this one that report the same grain.

        Only the same unit is looked at, which is loaded when Studio shows it: a grain that another
        unit uses as well is not seen.
        """
        return [
            block._title()
            for block in (self._blocks_of_the_unit() if self.grain_id else [])
            if isinstance(block, StudioValidationMixin)
            and block.scope_ids.usage_id != self.scope_ids.usage_id
            and block.grain_id == self.grain_id
        ]

    def _blocks_of_the_unit(self) -> list[Any]:
        """Return the blocks of the unit that this block stands in, none where there is no unit.

        Of a block in a library not even the parent may be asked (``LearningCoreFieldData`` in
        ``openedx/core/djangoapps/xblock/runtime/learning_core_runtime.py``).
        """
        try:
            return [] if self.parent is None else list(self.get_parent().get_children())
        except NotImplementedError:
            return []
        except Exception as error:  # noqa: BLE001  # the platform's, which keeps Studio from no page
            self._log_throttled(
                logging.WARNING,
                "the unit's other blocks cannot be looked at",
                UnexpectedError(error),
            )
            return []


def _add(validation: Validation, kind: str, text: str) -> None:
    validation.add(ValidationMessage(kind, text))
