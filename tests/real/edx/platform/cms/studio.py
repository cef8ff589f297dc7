"""What an author does in Studio: a block's first minute, its form, a course that comes and goes."""

import json
import logging
import tempfile
from pathlib import Path

from cms.djangoapps.contentstore.tests.utils import CourseTestCase
from cms.djangoapps.contentstore.utils import reverse_usage_url
from django.apps import apps
from django.conf import settings
from django.test.utils import override_settings
from django.urls import reverse
from opaque_keys.edx.keys import UsageKey
from xmodule.contentstore.django import contentstore
from xmodule.modulestore.tests.django_utils import TEST_DATA_SPLIT_MODULESTORE
from xmodule.modulestore.tests.factories import BlockFactory
from xmodule.modulestore.xml_exporter import export_course_to_xml
from xmodule.modulestore.xml_importer import import_course_from_xml


class AuthorTest(CourseTestCase):
    MODULESTORE = TEST_DATA_SPLIT_MODULESTORE

    def setUp(self):
        super().setUp()
        chapter = BlockFactory.create(parent=self.course, category="chapter")
        sequence = BlockFactory.create(parent=chapter, category="sequential")
        self.unit = BlockFactory.create(parent=sequence, category="vertical")
        self.course.advanced_modules = ["progress"]
        self.store.update_item(self.course, self.user.id)

    def add(self):
        """Add a block as Studio's button does, and return its key."""
        body = json.dumps({"parent_locator": str(self.unit.location), "category": "progress"})
        made = self.client.ajax_post(reverse("xblock_handler"), body)
        return UsageKey.from_string(made.json()["locator"])

    def view(self, key, name, language="en"):
        url = reverse_usage_url("xblock_view_handler", key, {"view_name": name})
        page = self.client.get(url, HTTP_ACCEPT="application/json", HTTP_ACCEPT_LANGUAGE=language)
        assert page.status_code == 200
        html = page.json()["html"]
        assert "having trouble rendering" not in html, name
        assert ">None<" not in html, name
        return html

    def submit(self, key, body):
        keys = {"usage_key_string": str(key), "handler": "submit_studio_edits", "suffix": ""}
        url = reverse("component_handler", kwargs=keys)
        return self.client.post(url, body, content_type="application/json")


class TestFirstMinute(AuthorTest):
    def test_form_and_previews_of_a_fresh_block(self):
        key = self.add()
        for language in ("en", "fr", "de"):
            for name in ("studio_view", "author_view", "student_view"):
                self.view(key, name, language)
            self.view(self.unit.location, "container_preview", language)
        assert "My progress" in self.view(key, "studio_view")

    def test_the_form_is_saved(self):
        key = self.add()
        saved = self.submit(key, json.dumps({"values": {"grain_id": " g-9 "}, "defaults": []}))
        assert saved.status_code == 200
        assert self.store.get_item(key).grain_id == "g-9"
        assert self.store.get_item(key).display_name == "My progress"

    def test_a_malformed_form_is_refused_in_words(self):
        key = self.add()
        bodies = [
            "[]",
            "{}",
            '"text"',
            "{",
            '{"values": {"weight": "much"}, "defaults": []}',
            '{"values": {"weight": NaN}, "defaults": []}',
            '{"values": {"seen_seconds": "ten"}, "defaults": []}',
            '{"values": {"display_name": 7}, "defaults": []}',
        ]
        for body in bodies:
            answer = self.submit(key, body)
            assert answer.status_code == 400, body
            assert answer.json()["error"], body
        assert not self.store.get_item(key).fields["weight"].is_set_on(self.store.get_item(key))


class TestCourses(AuthorTest):
    def test_an_import_takes_no_nonsense_and_no_state(self):
        key = self.add()
        self.submit(key, json.dumps({"values": {"grain_id": "g-1", "weight": 2}, "defaults": []}))
        with tempfile.TemporaryDirectory() as folder:
            export_course_to_xml(self.store, contentstore(), self.course.id, folder, "course")
            found = [
                path for path in Path(folder).rglob("*.xml") if 'grain_id="g-1"' in path.read_text()
            ]
            (olx,) = found
            text = olx.read_text()
            assert "state" not in text
            wrong = 'weight="nan" state="done" completed_at="2024-05-06T07:08:09"'
            olx.write_text(text.replace('weight="2.0"', wrong).replace("2.0", "nan"))
            (course,) = import_course_from_xml(
                self.store,
                self.user.id,
                folder,
                ["course"],
                target_id=self.store.make_course_key("org", "again", "run"),
                create_if_not_present=True,
            )
        (block,) = self.store.get_items(course.id, qualifiers={"category": "progress"})
        assert (block.grain_id, block.weight, block.state) == ("g-1", 1.0, "none")
        assert not block.fields["state"].is_set_on(block)
        self.view(block.location, "studio_view")


class TestTheSettings(AuthorTest):
    def ready(self, block_settings):
        buckets = {**settings.XBLOCK_SETTINGS, "ProgressXBlock": block_settings}
        said = self.assertLogs("progress_xblock", "ERROR")
        with override_settings(XBLOCK_SETTINGS=buckets), said as logs:
            apps.get_app_config("progress_xblock").ready()
            logging.getLogger("progress_xblock").error("nothing more")  # it asks for a line
        return logs.output[0]

    def test_studio_says_at_its_start_what_is_wrong(self):
        assert "learner_id: not one of platform, course" in self.ready({"learner_id": "both"})
        assert "not a mapping of settings" in self.ready("redis://127.0.0.1")
        assert "mini_site" in self.ready({"mini_site": "mini.example.org"})

    def test_studio_says_nothing_of_right_settings(self):
        for right in ({}, {"outbox": {"url": "redis://127.0.0.1:1/0"}}, {"budget": 2.0}):
            assert "nothing more" in self.ready(right)
