"""Services that answer as Open edX's do, where xblock-sdk's workbench has none or its own."""

from __future__ import annotations

import gettext
from pathlib import Path
from typing import Any, Final

import yaml
from django.utils.translation import get_language, to_locale
from xblock.reference.user_service import UserService as XBlockUserService
from xblock.reference.user_service import XBlockUser

import progress_xblock
from bridge.origins.funmooc import IS_AUTHENTICATED, LearnerId
from tests.demo import people
from tests.demo.workbench import CONFIGURATION

_TRANSLATIONS: Final = Path(progress_xblock.__file__).with_name("translations")


class UserService(XBlockUserService):
    """edx-platform's DjangoXBlockUserService, for the student that the URL names."""

    runtime: Any

    def get_current_user(self) -> XBlockUser:
        """Return whoever the URL says."""
        student = self.runtime.user_id
        user = XBlockUser(is_current_user=True)
        user.opt_attrs[IS_AUTHENTICATED] = student != people.VISITOR
        if student != people.VISITOR:
            user.opt_attrs[LearnerId.PLATFORM.key] = people.platform_id(student)
            user.opt_attrs[LearnerId.COURSE.key] = people.course_id(student)
        return user


class SettingsService:
    """The block's settings, read from the demo's folder each time: they may be changed under it."""

    runtime: Any

    def get_settings_bucket(self, block: object, default: object = None) -> Any:
        """Return what XBLOCK_SETTINGS would hold for the block."""
        return yaml.safe_load(Path(CONFIGURATION).read_text(encoding="utf-8"))


class I18nService:
    """The block's own catalogue in the language of the page, as XBlockI18nService finds it."""

    runtime: Any

    def __getattr__(self, name: str) -> Any:
        languages = [to_locale(get_language() or "en")]
        catalogue = gettext.translation("text", _TRANSLATIONS, languages, fallback=True)
        return getattr(catalogue, "gettext" if name == "ugettext" else name)
