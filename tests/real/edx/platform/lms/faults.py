"""What goes wrong around a click, and what is kept of it."""

from completion.models import BlockCompletion
from course import CourseTest, modulestore
from django.db import IntegrityError
from django.db.models.signals import pre_save
from lms.djangoapps.courseware.models import StudentModule
from lms.djangoapps.grades.signals.signals import SCORE_PUBLISHED


class TestWrongSettings(CourseTest):
    def test_clicks_are_held_until_they_are_mended(self):
        good = {"outbox": {"url": self.outbox}}
        self.sign_in()
        for wrong in ({**good, "learner_id": "both"}, "redis://127.0.0.1", ["outbox"]):
            block = self.fresh(grain_id=f"grain-{len(str(wrong))}")
            self.set_up(wrong)
            assert "Not done yet." in self.page(block)
            face = self.handler(block)
            assert face["state"] == "held"
            assert "has something to mend" in face["message"]
            assert self.tick(block) == 1.0
            self.set_up(good)
            again = self.handler(block, "send_pending")
            assert (again["state"], again["completed_at"]) == ("accepted", face["completed_at"])


class TestStates(CourseTest):
    def test_states_of_other_versions_are_shown(self):
        self.sign_in()
        self.handler(self.plain)
        kept = self.state(self.plain)
        for state in ("queued", None, 7, "", ["done"]):
            self.put_state(self.plain, {**kept, "state": state})
            assert "be passed on automatically" in self.page(self.plain)
        for values in ({"state": "queued"}, {"state": "done", "completed_at": "never"}, {}):
            self.put_state(self.plain, values)
            self.page(self.plain)
            assert self.handler(self.plain)["state"] in ("accepted", "done")


class TestThePlatformsOwn(CourseTest):
    def test_a_tick_is_given_once_tracking_is_on(self):
        self.track(enabled=False)
        self.sign_in()
        self.handler(self.plain)
        assert self.tick(self.plain) is None
        assert not self.handler(self.plain, "send_pending")["unsent"]
        self.track(enabled=True)
        self.handler(self.plain, "send_pending")
        assert self.tick(self.plain) == 1.0

    def test_a_completion_that_fails_loses_no_state(self):
        self.sign_in()
        with Raising(pre_save, BlockCompletion):
            assert self.handler(self.plain)["state"] == "accepted"
        assert self.state(self.plain)["state"] == "accepted"
        assert self.tick(self.plain) is None
        self.handler(self.plain, "send_pending")
        assert self.tick(self.plain) == 1.0

    def test_a_grade_that_fails_loses_no_state(self):
        self.sign_in()
        with Raising(SCORE_PUBLISHED, None):
            assert self.handler(self.graded)["state"] == "accepted"
        assert self.state(self.graded)["untold"] == ["grade"]
        self.handler(self.graded, "send_pending")
        row = StudentModule.objects.get(student=self.learner, module_state_key=self.graded.location)
        assert row.grade == 1.0
        assert self.state(self.graded)["untold"] == []


class TestImportedWeights(CourseTest):
    def test_a_wrong_weight_breaks_no_grade(self):
        """As a course holds it that an older version, or another tool, has written."""
        store = modulestore()
        block = self.fresh(grain_id="grain-nan", counts_for_grade=True)
        for weight in ("nan", "much", float("inf")):
            block.fields["weight"].strict = lambda value: value  # let it through, as it was stored
            try:
                block.weight = weight
                store.update_item(block, self.staff.id)
            finally:
                del block.fields["weight"].strict
            read = store.get_item(block.location)
            assert read.weight == 1.0
            self.sign_in()
            assert "Not done yet." in self.page(block)


class Raising:
    """A receiver that raises what a base says to a row that is there already."""

    def __init__(self, signal, sender):
        self.signal, self.sender = signal, sender

    def receive(self, **_):
        raise IntegrityError("a row that is there")

    def __enter__(self):
        self.signal.connect(self.receive, sender=self.sender)

    def __exit__(self, *_):
        self.signal.disconnect(self.receive, sender=self.sender)
