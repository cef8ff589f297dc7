"""How long a learner's click takes, as a whole request, against done-xblock's."""

import json
import time
from statistics import median

from common.djangoapps.student.models import CourseEnrollment
from common.djangoapps.student.tests.factories import UserFactory
from course import ROOT, CourseTest

LEARNERS = 30


class TestClickTime(CourseTest):
    def test_a_click_is_timed_beside_done_xblocks(self):
        """In turns, each learner's first click; the outbox is a file, and synced to the disk."""
        ours, theirs = [], []
        for number in range(LEARNERS):
            learner = UserFactory.create(username=f"l{number}", password=self.TEST_PASSWORD)
            CourseEnrollment.enroll(learner, self.course.id)
            self.sign_in(learner)
            ours.append(self.timed(self.plain, "complete", "{}"))
            theirs.append(self.timed(self.done, "toggle_button", '{"done": true}'))
        ratio = median(ours) / median(theirs)
        told = {"ours": median(ours), "theirs": median(theirs), "ratio": ratio}
        (ROOT / "run/click.json").write_text(json.dumps(told))
        assert ratio > 0

    def timed(self, block, handler, body):
        started = time.perf_counter()
        self.handler(block, handler, body)
        return 1000 * (time.perf_counter() - started)
