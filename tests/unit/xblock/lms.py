"""A project shaped like the LMS: what the plugin needs of one, in a folder of its own."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.servers import ROOT

LEARNER = "0123456789abcdef0123456789abcdef"
COURSE_ID = "fedcba9876543210fedcba9876543210"
OTHER = "0" * 31 + "2"
PENDING = {
    "origin": "funmooc",
    "external_user_id": LEARNER,
    "grain_id": "grain-1",
    "module_id": "m1",
    "completed_at": "2026-01-31T12:00:00.000+00:00",
}

SETTINGS = """
import json
from progress_xblock.apps import ProgressXBlockConfig  # as the LMS does, to find its plugins

SECRET_KEY = "of-this-test"
INSTALLED_APPS = ["lms.djangoapps.courseware", "progress_xblock.apps.ProgressXBlockConfig"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "lms.db"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
XBLOCK_SETTINGS = json.load(open("xblock_settings.json"))
"""

URLS = """
from django.urls import include, re_path
from progress_xblock.apps import ProgressXBlockConfig

config = ProgressXBlockConfig.plugin_app["url_config"]["lms.djangoapp"]
module = f"{ProgressXBlockConfig.name}.{config['relative_path']}"
included = include((module, ProgressXBlockConfig.name), namespace=config["namespace"])
urlpatterns = [re_path(config["regex"], included)]
"""

MODELS = """
from django.db import models

class StudentModule(models.Model):
    module_type = models.CharField(max_length=32, db_index=True)
    module_state_key = models.CharField(max_length=255, db_column="module_id")
    state = models.TextField(null=True, blank=True)
    student_id = models.IntegerField()
    course_id = models.CharField(max_length=255)

    class Meta:
        app_label = "courseware"
"""

STUDENTS = """
from django.db import models

class AnonymousUserId(models.Model):
    user_id = models.IntegerField()
    anonymous_user_id = models.CharField(max_length=32)
    course_id = models.CharField(max_length=255)

    class Meta:
        app_label = "courseware"

def anonymous_id_for_user(user, course_id):
    found = AnonymousUserId.objects.filter(user_id=user.id, course_id=course_id or "")
    return found.order_by("-id")[0].anonymous_user_id
"""


class LMS:
    """A folder with what the plugin needs of an LMS, and its ``manage.py``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        courseware = folder / "lms/djangoapps/courseware"
        courseware.mkdir(parents=True)
        (courseware / "models.py").write_text(MODELS)
        students = folder / "common/djangoapps/student"
        students.mkdir(parents=True)
        (students / "models.py").write_text(STUDENTS)
        (folder / "settings.py").write_text(SETTINGS)
        (folder / "urls.py").write_text(URLS)
        self.store = f"sqlite:///{folder}/progress.db"
        self.set_up({"store": {"url": self.store}})

    def set_up(self, block_settings: object) -> None:
        buckets = {"ProgressXBlock": block_settings}
        (self.folder / "xblock_settings.json").write_text(json.dumps(buckets))

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "django", *words)

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        paths = f"{self.folder}:{ROOT}"
        environ = {"PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": "settings", "PATH": ""}
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def states(self, *states: object, user: int = 1) -> None:
        """Make the tables as Django would, with these states and one of another type in them."""
        texts = [json.dumps(state) if isinstance(state, dict) else state for state in states]
        rows = [(text, "progress", f"block-{n}", user) for n, text in enumerate(texts)]
        other = (json.dumps(waiting(grain_id="of-another-type")), "html", "x", user)
        with closing(sqlite3.connect(self.folder / "lms.db")) as connection, connection:
            connection.execute(
                "CREATE TABLE courseware_studentmodule (id INTEGER PRIMARY KEY AUTOINCREMENT,"
                " state TEXT, module_type VARCHAR(32), module_id VARCHAR(255),"
                " student_id INTEGER, course_id VARCHAR(255) DEFAULT 'course-v1:a')"
            )
            connection.execute(
                "CREATE TABLE courseware_anonymoususerid (id INTEGER PRIMARY KEY AUTOINCREMENT,"
                " user_id INTEGER, anonymous_user_id VARCHAR(32), course_id VARCHAR(255))"
            )
            connection.executemany(
                "INSERT INTO courseware_studentmodule (state, module_type, module_id, student_id)"
                " VALUES (?, ?, ?, ?)",
                [*rows, other],
            )
            connection.executemany(
                "INSERT INTO courseware_anonymoususerid (user_id, anonymous_user_id, course_id)"
                " VALUES (?, ?, ?)",
                [
                    (1, "f" * 32, ""),
                    (1, LEARNER, ""),
                    (1, COURSE_ID, "course-v1:a"),
                    (2, OTHER, ""),
                ],
            )

    def kept_texts(self) -> list[str | None]:
        """Return the states, less that of another type."""
        with closing(sqlite3.connect(self.folder / "lms.db")) as connection:
            found = connection.execute("SELECT state FROM courseware_studentmodule ORDER BY id")
            return [state for (state,) in found][:-1]

    def kept(self) -> list[object]:
        return [json.loads(text) if text else text for text in self.kept_texts()]

    def progress(self, learner: str = LEARNER) -> list[str]:
        from progress_xblock.settings import bridge_for, click_settings

        bridge = bridge_for(click_settings({"store": {"url": self.store}}, {}))
        return [row.grain_id for row in bridge.progress("funmooc", learner)]


def waiting(**changes: object) -> dict[str, object]:
    return {
        "state": "pending",
        "completed_at": "2026-01-31T12:00:00Z",
        "pending": {**PENDING, **changes},
    }
