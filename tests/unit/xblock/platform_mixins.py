"""What Open edX mixes into every block: the names that its own mixins define, in its order.

`XBLOCK_MIXINS` is that of Studio (``cms/envs/common.py`` of the Teak line), which holds the LMS's.
The fields have the platform's defaults. Whatever else the platform defines raises when it is used,
except where a block is meant to use it.
"""

from typing import Any

from xblock.core import XBlock, XBlockMixin
from xblock.fields import Boolean, Dict, Integer, List, Scope, String


class Platforms:
    """An attribute of the platform's, which the block has one of its own for."""

    def __get__(self, block: object, owner: type) -> Any:
        if block is not None:
            raise AssertionError("the platform's, not the block's")
        return self


class LmsBlockMixin(XBlockMixin):
    hide_from_toc = Boolean(default=False, scope=Scope.settings)
    format = String(default=None, scope=Scope.settings)
    chrome = String(default=None, scope=Scope.settings)
    default_tab = String(default=None, scope=Scope.settings)
    source_file = String(default=None, scope=Scope.settings)
    visible_to_staff_only = Boolean(default=False, scope=Scope.settings)
    group_access = Dict(default={}, scope=Scope.settings)
    user_partitions = List(default=[], scope=Scope.settings)

    def validate(self):
        return super().validate()


class InheritanceMixin(XBlockMixin):
    graded = Boolean(default=False, scope=Scope.settings)
    due = String(default=None, scope=Scope.settings)
    max_attempts = Integer(default=None, scope=Scope.settings)
    self_paced = Boolean(default=False, scope=Scope.settings)

    def has_deadline_passed(self):
        return False


class XModuleFields:
    display_name = String(display_name="Display Name", default=None, scope=Scope.settings)


class XModuleMixin(XModuleFields, XBlock):
    has_score = False
    show_in_read_only_mode = False
    always_recalculate_grades = False
    icon_class = Platforms()
    max_score = Platforms()
    public_view = Platforms()


class EditInfoMixin(XBlockMixin):
    edited_by = None


class AuthoringMixin(XBlockMixin):
    copied_from_block = String(default=None, scope=Scope.settings)


class UpstreamSyncMixin(XBlockMixin):
    upstream = String(default=None, scope=Scope.settings)

    @classmethod
    def get_customizable_fields(cls):
        return {"display_name": "upstream_display_name", "max_attempts": None, "weight": None}


XBLOCK_MIXINS = (
    LmsBlockMixin,
    InheritanceMixin,
    XModuleMixin,
    EditInfoMixin,
    AuthoringMixin,
    UpstreamSyncMixin,
)
