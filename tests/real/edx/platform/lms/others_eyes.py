"""Staff: looking at the course as a learner, and deleting a learner's state."""

from course import CourseTest
from django.urls import reverse
from lms.djangoapps.courseware.models import StudentModule
from lms.djangoapps.grades.api import CourseGradeFactory


class TestAsASpecificLearner(CourseTest):
    def look(self):
        self.sign_in(self.staff)
        answer = self.client.post(
            reverse("masquerade_update", kwargs={"course_key_string": str(self.course.id)}),
            data={"role": "student", "user_name": self.learner.username},
            content_type="application/json",
        )
        assert answer.json()["success"], answer.content

    def test_the_learners_real_state_is_shown(self):
        self.sign_in()
        self.handler(self.plain)
        self.look()
        page = self.page(self.plain)
        assert "cannot be shown" not in page
        assert "It is saved and will be passed on." in page
        assert "nothing is recorded for them" in page

    def test_a_click_records_nothing(self):
        self.look()
        assert "Not done yet." in self.page(self.plain)
        face = self.handler(self.plain)
        assert (face["state"], face["active"]) == ("blocked", False)
        assert self.state(self.plain) is None
        assert self.state(self.plain, self.staff) is None
        assert not (self.folder / "outbox.db").exists()
        assert self.tick(self.plain) is None


class TestAStateThatIsDeleted(CourseTest):
    def delete(self, block):
        self.sign_in(self.staff)
        url = reverse("reset_student_attempts", kwargs={"course_id": str(self.course.id)})
        with self.captureOnCommitCallbacks(execute=True):
            answer = self.client.post(
                url,
                {
                    "problem_to_reset": str(block.location),
                    "unique_student_identifier": self.learner.email,
                    "delete_module": "true",
                },
            )
        assert answer.status_code == 200, answer.content

    def test_the_tick_goes_the_row_stays(self):
        for tracking in (True, False):
            self.track(enabled=True)
            self.sign_in()
            assert self.handler(self.plain)["state"] == "accepted"
            assert self.tick(self.plain) == 1.0
            self.track(enabled=tracking)
            self.delete(self.plain)
            assert not self.tick(self.plain)
            assert self.state(self.plain) is None
        self.deliver()
        assert len(self.record()) == 1
        self.sign_in()
        assert "Not done yet." in self.page(self.plain)

    def test_the_grade_goes_as_done_xblocks_does(self):
        self.sign_in()
        self.handler(self.graded)
        assert self.grade() == 1.0
        self.delete(self.graded)
        assert self.grade() == 0.0
        assert not StudentModule.objects.filter(student=self.learner).exists()

    def grade(self):
        return CourseGradeFactory().read(self.learner, self.course).percent
