"""An account that is retired by Open edX's own API."""

import io
import re

from common.djangoapps.student.tests.factories import SuperuserFactory, UserFactory
from course import CourseTest, anonymous_id_for_user
from django.core.management import call_command
from django.urls import reverse
from openedx.core.djangoapps.user_api.accounts.tests.retirement_helpers import (
    create_retirement_status,
)
from openedx.core.djangoapps.user_api.models import RetirementState


class TestRetirement(CourseTest):
    def setUp(self):
        super().setUp()
        for name, order, dead in (("PENDING", 1, False), ("RETIRING_LMS", 160, False)):
            RetirementState.objects.create(
                state_name=name,
                state_execution_order=order,
                is_dead_end_state=dead,
                required=name == "PENDING",
            )
        self.other = UserFactory.create(username="bob", password=self.TEST_PASSWORD)

    def retire(self):
        state = RetirementState.objects.get(state_name="RETIRING_LMS")
        create_retirement_status(self.learner, state=state)
        return self.retire_again()

    def retire_again(self):
        admin = SuperuserFactory(password=self.TEST_PASSWORD)
        self.sign_in(admin)
        return self.client.post(
            reverse("accounts_retire_misc"),
            data={"username": self.learner.username},
            content_type="application/json",
        )

    def send_pending(self, *words):
        out = io.StringIO()
        call_command("send_pending_progress", *words, stdout=out)
        return out.getvalue()

    def test_what_is_recorded_is_erased(self):
        for user in (self.learner, self.other):
            self.sign_in(user)
            assert self.handler(self.plain)["state"] == "accepted"
        self.deliver()
        assert len(self.record()) == 2
        assert self.retire().status_code == 204
        assert re.search(r"Erasures +[1-9]", self.status())
        self.deliver()
        assert [row[0] for row in self.record()] == [anonymous_id_for_user(self.other, None)]
        assert self.learners() == [anonymous_id_for_user(self.other, None)]

    def test_what_waits_is_forgotten(self):
        self.set_up({"outbox": {"url": f"sqlite:///{self.folder}/no/folder/outbox.db"}})
        for user in (self.learner, self.other):
            self.sign_in(user)
            assert self.handler(self.plain)["state"] == "pending"
        assert self.anonymous_id() in str(self.state(self.plain))
        self.set_up({"outbox": {"url": self.outbox}})
        assert self.retire().status_code == 204
        assert self.anonymous_id() not in str(self.state(self.plain))
        assert "1 accepted" in self.send_pending()
        self.deliver()
        assert [row[0] for row in self.record()] == [anonymous_id_for_user(self.other, None)]

    def test_what_waits_in_the_outbox_is_never_recorded(self):
        self.sign_in()
        self.handler(self.plain)
        assert self.retire().status_code == 204
        self.deliver()
        assert self.record() == []
        assert self.learners() == []

    def test_every_id_of_the_learner_is_erased(self):
        self.sign_in()
        self.handler(self.plain)
        self.set_up({"outbox": {"url": self.outbox}, "learner_id": "course"})
        self.handler(self.graded)
        self.deliver()
        both = {self.anonymous_id(), self.anonymous_id(self.course.id)}
        assert {row[0] for row in self.record()} == both
        assert self.retire().status_code == 204
        self.deliver()
        assert self.learners() == []

    def test_an_outage_without_outbox_fails_the_step(self):
        self.set_up({"store": {"url": self.store}})
        self.sign_in()
        assert self.handler(self.plain)["state"] == "done"
        self.set_up({"store": {"url": f"sqlite:///{self.folder}/no/folder/progress.db"}})
        answer = self.retire()
        assert answer.status_code == 500
        assert self.anonymous_id() not in answer.content.decode()
        assert len(self.learners()) == 1
        self.set_up({"store": {"url": self.store}})
        assert self.retire_again().status_code == 204
        assert self.learners() == []

    def test_a_platform_without_the_block_retires(self):
        self.set_up(None)
        assert self.retire().status_code == 204


class TestWhatWaitedForALearnerId(CourseTest):
    def test_the_command_gives_it_the_id(self):
        self.set_up({"outbox": {"url": self.outbox}, "learner_id": "both"})
        self.sign_in()
        assert self.handler(self.plain)["state"] == "held"
        assert "origin" not in self.state(self.plain)["pending"]
        self.set_up({"outbox": {"url": self.outbox}})
        out = io.StringIO()
        call_command("send_pending_progress", stdout=out)
        assert out.getvalue() == "1 accepted by the outbox\n"
        self.deliver()
        assert self.record() == [(self.anonymous_id(), "grain-plain", None, None)]

    def test_another_learners_completion_is_not_sent(self):
        self.set_up({"outbox": {"url": f"sqlite:///{self.folder}/no/folder/outbox.db"}})
        self.sign_in()
        self.handler(self.plain)
        kept = self.state(self.plain)
        self.set_up({"outbox": {"url": self.outbox}})
        for origin, user_id in (("moodle", "7"), ("funmooc", "0" * 32)):
            planted = {**kept["pending"], "origin": origin, "external_user_id": user_id}
            self.put_state(self.plain, {**kept, "pending": planted})
            out = io.StringIO()
            call_command("send_pending_progress", stdout=out)
            assert "1 cannot be read" in out.getvalue()
