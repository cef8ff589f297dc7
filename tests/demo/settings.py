"""Django settings of the workbench: xblock-sdk's, in French, with services like Open edX's.

The working directory is the demo's folder: xblock-sdk keeps its state in ``var`` there.
"""

from pathlib import Path

from workbench.settings import *  # noqa: F403  # that is how Django settings are extended
from workbench.settings import DATABASES, MIDDLEWARE, TEMPLATES, WORKBENCH

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English")]
TIME_ZONE = "Europe/Paris"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "tests.demo.urls"

MIDDLEWARE = [
    "tests.demo.language.language_from_query",
    "django.middleware.locale.LocaleMiddleware",
    *MIDDLEWARE,
]
TEMPLATES[0]["DIRS"].insert(0, str(Path(__file__).with_name("templates")))
TEMPLATES[0]["OPTIONS"]["context_processors"] += [
    "tests.demo.people.everybody",
    "tests.demo.course.units",
]
WORKBENCH["services"] |= {
    "user": "tests.demo.services.UserService",
    "settings": "tests.demo.services.SettingsService",
    "i18n": "tests.demo.services.I18nService",
}
# Each field of each block is a commit of its own: waiting for the disk each time takes a minute of
# the start on a machine that is busy. What a crash of the machine loses is a demo's.
DATABASES["default"]["OPTIONS"] = {"init_command": "PRAGMA synchronous=OFF"}
