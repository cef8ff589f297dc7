"""A block of a library: its own warnings, and what an update changes in a course."""

import pytest
from cms.djangoapps.contentstore.tests.utils import CourseTestCase
from cms.lib.xblock.upstream_sync_block import sync_from_upstream_block
from openedx.core.djangoapps.content_libraries import api as libraries
from openedx.core.djangoapps.xblock.api import load_block
from organizations.api import ensure_organization
from organizations.models import Organization
from xmodule.modulestore.tests.factories import BlockFactory


class TestALibrarysBlock(CourseTestCase):
    def setUp(self):
        super().setUp()
        ensure_organization("TestX")
        organization = Organization.objects.get(short_name="TestX")
        library = libraries.create_library(org=organization, slug="lib", title="Library")
        self.key = libraries.create_library_block(library.key, "progress", "grain").usage_key
        self.library = library.key
        self.update(weight=2, grain="g-1")
        unit = BlockFactory.create(category="vertical", parent=self.course)
        fields = {"upstream": str(self.key)}
        self.block = BlockFactory.create(category="progress", parent=unit, **fields)

    def update(self, weight, grain):
        olx = f'<progress grain_id="{grain}" weight="{weight}" counts_for_grade="true"/>'
        libraries.set_library_block_olx(self.key, olx)
        libraries.publish_changes(self.library, self.user.id)

    def sync(self):
        sync_from_upstream_block(self.block, self.user)
        self.block.save()
        return self.block.weight, self.block.grain_id

    def test_it_is_validated_where_there_is_no_unit(self):
        block = load_block(self.key, self.user)
        with pytest.raises(NotImplementedError):
            block.parent  # noqa: B018  # what keeps a twin from being looked for
        assert not block.validate().messages
        for view in ("author_view", "student_view", "studio_view"):
            assert block.render(view).content

    def test_the_weight_is_the_librarys(self):
        assert self.sync() == (2.0, "g-1")
        self.update(weight=5, grain="g-2")
        assert self.sync() == (5.0, "g-2")

    def test_the_title_stays_the_courses(self):
        self.sync()
        self.block.display_name = "Mine"
        self.update(weight=5, grain="g-2")
        self.sync()
        assert self.block.display_name == "Mine"
