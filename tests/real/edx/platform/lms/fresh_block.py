"""A block that nobody touched, as learners see it; and the main job, from a click to a row."""

from course import CourseTest


class TestFreshBlock(CourseTest):
    def test_its_title_is_its_own(self):
        assert self.fresh().display_name == "My progress"

    def test_block_and_unit_show_in_every_language(self):
        block = self.fresh(grain_id="fresh")
        self.sign_in()
        titles = {"en": "My progress", "fr": "Ma progression", "de": "My progress"}
        for language, title in titles.items():
            page = self.page(block, language)
            assert title in page, language
            assert ">None<" not in page, language
            assert ">None<" not in self.page(self.unit, language), language

    def test_a_click_is_one_row_of_the_record(self):
        self.sign_in()
        faces = [self.handler(self.graded), self.handler(self.graded)]
        assert [face["state"] for face in faces] == ["accepted", "accepted"]
        assert self.tick(self.graded) == 1.0
        self.deliver()
        assert self.record() == [(self.anonymous_id(), "grain-graded", "module-1", "sequence-1")]

    def test_without_an_outbox_it_is_recorded_at_once(self):
        self.set_up({"store": {"url": self.store}})
        self.sign_in()
        assert self.handler(self.plain)["state"] == "done"
        assert self.record() == [(self.anonymous_id(), "grain-plain", None, None)]
