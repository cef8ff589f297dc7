"""What the LMS's tests share: a course with progress blocks, a learner, an outbox, a record."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from common.djangoapps.student.models import CourseEnrollment, anonymous_id_for_user
from common.djangoapps.student.tests.factories import StaffFactory, UserFactory
from completion.models import BlockCompletion
from completion.waffle import ENABLE_COMPLETION_TRACKING_SWITCH
from django.conf import settings
from django.test.utils import override_settings
from django.urls import reverse
from edx_toggles.toggles.testutils import override_waffle_switch
from lms.djangoapps.courseware.models import StudentModule
from lms.djangoapps.courseware.tests.helpers import LoginEnrollmentTestCase, MasqueradeMixin
from openedx.core.lib.url_utils import quote_slashes
from pytz import UTC
from xmodule.modulestore import ModuleStoreEnum
from xmodule.modulestore.django import modulestore
from xmodule.modulestore.tests.django_utils import (
    TEST_DATA_SPLIT_MODULESTORE,
    SharedModuleStoreTestCase,
)
from xmodule.modulestore.tests.factories import BlockFactory, CourseFactory

from progress_xblock import throttled_log

ROOT = Path(os.environ["REAL_EDX_ROOT"])
PROJECT = Path(__file__).resolve().parents[4]
PYTHON = os.environ.get("PROGRESS_BRIDGE_PYTHON")
"""An interpreter that has the project's extras: the deliverer runs outside of the LMS."""

GRADING = {
    "GRADER": [
        {"type": "Homework", "min_count": 1, "drop_count": 0, "short_label": "HW", "weight": 1.0}
    ],
    "GRADE_CUTOFFS": {"Pass": 0.5},
}


class CourseTest(SharedModuleStoreTestCase, LoginEnrollmentTestCase, MasqueradeMixin):
    """A graded block, a plain one and done-xblock's, in three units."""

    MODULESTORE = TEST_DATA_SPLIT_MODULESTORE

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        start = datetime.now(UTC) - timedelta(days=30)
        cls.course = CourseFactory.create(number="prog", start=start, grading_policy=GRADING)
        cls.chapter = cls.add(cls.course, "chapter")
        graded = cls.add(cls.chapter, "sequential", graded=True, format="Homework")
        cls.graded = cls.add(
            cls.add(graded, "vertical"),
            "progress",
            grain_id="grain-graded",
            module_id="module-1",
            sequence_id="sequence-1",
            counts_for_grade=True,
            weight=4.0,
        )
        cls.unit = cls.add(cls.add(cls.chapter, "sequential"), "vertical")
        cls.plain = cls.add(cls.unit, "progress", grain_id="grain-plain")
        cls.done = cls.add(cls.unit, "done")

    @staticmethod
    def add(parent, category, **fields):
        return BlockFactory.create(parent=parent, category=category, **fields)

    def setUp(self):
        super().setUp()
        self.folder = Path(tempfile.mkdtemp(dir=ROOT / "run"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.outbox = f"sqlite:///{self.folder}/outbox.db"
        self.store = f"sqlite:///{self.folder}/progress.db"
        self.set_up({"outbox": {"url": self.outbox}})
        self.track(enabled=True)
        password = self.TEST_PASSWORD
        self.learner = UserFactory.create(username="ada", email="ada@x.org", password=password)
        CourseEnrollment.enroll(self.learner, self.course.id)
        self.staff = StaffFactory.create(course_key=self.course.id, password=password)
        throttled_log.forget()

    def set_up(self, block_settings):
        """Set ``XBLOCK_SETTINGS["ProgressXBlock"]``."""
        buckets = {**settings.XBLOCK_SETTINGS, "ProgressXBlock": block_settings}
        self.enter(override_settings(XBLOCK_SETTINGS=buckets))

    def track(self, enabled):
        self.enter(override_waffle_switch(ENABLE_COMPLETION_TRACKING_SWITCH, enabled))

    def enter(self, context):
        context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)

    def sign_in(self, user=None):
        self.client.logout()
        name = (user or self.learner).username
        assert self.client.login(username=name, password=self.TEST_PASSWORD)

    def handler(self, block, name="complete", body="{}"):
        """POST to a handler as the page does, and return the face that it answers."""
        keys = {
            "course_id": str(self.course.id),
            "usage_id": quote_slashes(str(block.location)),
            "handler": name,
        }
        url = reverse("xblock_handler", kwargs=keys)
        answer = self.client.post(url, data=body, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def page(self, block, language="en"):
        self.client.raise_request_exception = False
        url = reverse("render_xblock", kwargs={"usage_key_string": str(block.location)})
        answer = self.client.get(url, HTTP_ACCEPT_LANGUAGE=language)
        assert answer.status_code == 200, (block, language)
        return answer.content.decode()

    def fresh(self, **fields):
        """Make a block as Studio does, published and touched by nobody."""
        store = modulestore()
        with store.branch_setting(ModuleStoreEnum.Branch.draft_preferred, self.course.id):
            made = store.create_child(self.staff.id, self.unit.location, "progress", fields=fields)
            store.publish(self.unit.location, self.staff.id)
        return store.get_item(made.location)

    def state(self, block, user=None):
        """Return what the LMS keeps of the learner's state, or None where it keeps none."""
        rows = StudentModule.objects.filter(
            student=user or self.learner, module_state_key=block.location
        )
        return json.loads(rows.get().state) if rows else None

    def put_state(self, block, state):
        rows = StudentModule.objects.filter(student=self.learner, module_state_key=block.location)
        assert rows.update(state=json.dumps(state)) == 1

    def tick(self, block):
        """Return the platform's own completion of the block."""
        found = BlockCompletion.objects.filter(user=self.learner, block_key=block.location)
        return found.get().completion if found else None

    def anonymous_id(self, course_id=None):
        return anonymous_id_for_user(self.learner, course_id)

    def status(self):
        """Return what ``progress-bridge status`` tells of the outbox."""
        program = "from bridge.cli import main; main()"
        names = ("PROGRESS_BRIDGE_STORE_URL", "PROGRESS_BRIDGE_OUTBOX_URL")
        told = subprocess.run(
            [PYTHON, "-c", program, "status"],
            cwd=PROJECT,
            env=dict(zip(names, (self.store, self.outbox), strict=True)),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return told.stdout + told.stderr

    def deliver(self):
        """Deliver all that is in the outbox."""
        command = [PYTHON, PROJECT / "tests/real/edx/deliver.py", self.store, self.outbox]
        subprocess.run(command, cwd=PROJECT, timeout=120, check=True)

    def record(self):
        """Return the rows of the record: learner, grain, module, sequence."""
        with closing(sqlite3.connect(self.folder / "progress.db")) as connection:
            return connection.execute(
                "SELECT external_user_id, grain_id, module_id, sequence_id FROM progress"
                " JOIN apprenants ON apprenants.id = apprenant_id ORDER BY grain_id"
            ).fetchall()

    def learners(self):
        with closing(sqlite3.connect(self.folder / "progress.db")) as connection:
            return [row for (row,) in connection.execute("SELECT external_user_id FROM apprenants")]
