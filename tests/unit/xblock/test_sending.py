"""How long a click may take, and what is kept of it, whatever the other side does."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from bridge import Identity, OutboxUnavailable, StoreMisconfigured, StoreUnavailable
from bridge.outbox import open_outbox
from progress_xblock.settings import bridge_for, click_settings
from progress_xblock.time_limit import THREADS, within
from tests.faults import proxy as faults
from tests.faults.proxy import Proxy
from tests.servers import ROOT

LEARNER = "0123456789abcdef0123456789abcdef"
COURSE_ID = "fedcba9876543210fedcba9876543210"
BUDGET = 0.6
GRACE = 10.0
"""Seconds over the budget, on a machine that is busy; what hangs here hangs for longer."""


async def drip(exchange):
    """Send an answer that never ends, a byte at a time: no time-out of a socket sees it."""
    await exchange.request()
    exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    exchange.writer.write(b"Content-Length: 1000000\r\n\r\n")
    while True:
        exchange.writer.write(b" ")
        await exchange.writer.drain()
        await asyncio.sleep(0.02)


NONSENSE = {
    "html": faults.instead(faults.page("200 OK", "Log in")),
    "error-page": faults.instead(faults.page("500 Internal Server Error", "Oops")),
    "half-json": faults.instead(
        faults.Message(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b'{"data":[')
    ),
    "a-list": faults.instead(
        faults.Message(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"[]")
    ),
    "not-http": faults.instead(faults.Message(b"220 smtp ready\r\n\r\n", b"")),
    "teapot": faults.instead(faults.page("418 I'm a teapot", "Tea")),
}


@pytest.fixture
def directus():
    """Stand where Directus should, with nothing behind it that answers."""
    with Proxy(upstream=1) as proxy:
        yield proxy


@pytest.fixture
def lms(course, monkeypatch):
    """Give the course, with the bridge that its settings name."""
    monkeypatch.setattr("progress_xblock.sending.bridge_for", bridge_for)

    def use(url, **more):
        course.block_settings = {"store": {"url": url, "token": "t"}, "budget": BUDGET, **more}
        return course

    return use


@contextmanager
def in_time(budget=BUDGET):
    started = time.monotonic()
    yield
    assert time.monotonic() - started < budget + GRACE


def test_a_directus_down_keeps_the_budget(lms, directus):
    course = lms(directus.url)
    with directus.refusing(), in_time():
        assert course.click()["state"] == "pending"


@pytest.mark.parametrize("fault", [faults.stay_silent, drip], ids=["silent", "dripping"])
def test_an_endless_directus_answer_keeps_the_budget(lms, directus, fault):
    course = lms(directus.url)
    course.block_settings["store"] |= {"read_timeout": 30, "connect_timeout": 30}
    with directus.misbehaving(fault), in_time():
        assert course.click()["state"] == "pending"
    assert directus.struck


def test_three_seconds_are_the_default_bound(lms, directus):
    course = lms(directus.url)
    course.block_settings["store"] |= {"read_timeout": 30, "connect_timeout": 30}
    del course.block_settings["budget"]
    with directus.misbehaving(drip), in_time(3.0):
        assert course.click()["state"] == "pending"


def test_an_unresolved_name_keeps_the_budget(lms, monkeypatch):
    over = threading.Event()

    def hang(*_, **__):
        over.wait(60)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with in_time():
        assert lms("http://directus.example.org").click()["state"] == "pending"
    over.set()


@pytest.mark.parametrize("fault", NONSENSE.values(), ids=NONSENSE)
def test_a_nonsense_answer_loses_nothing(lms, directus, fault):
    course = lms(directus.url)
    with directus.misbehaving(fault), in_time():
        response = course.handler("complete")
    assert response.status_code == 200
    assert response.json["state"] in ("pending", "held")
    assert course.block().pending["grain_id"] == "grain-1"


def test_what_timed_out_is_sent_next_visit(lms, course, directus, tmp_path):
    course = lms(directus.url)
    with directus.misbehaving(faults.stay_silent):
        instant = course.click()["completed_at"]
    url = f"sqlite:///{tmp_path}/progress.db"
    face = lms(url).handler("send_pending").json
    assert (face["state"], face["completed_at"]) == ("done", instant)
    (row,) = bridge_for(click_settings(course.block_settings)).progress("funmooc", LEARNER)
    assert row.completed_at.isoformat() == instant


def test_stuck_threads_keep_a_click_at_once(lms, directus):
    course = lms(directus.url)
    over = threading.Event()
    try:
        for _ in range(THREADS):
            with pytest.raises(StoreUnavailable, match="no answer within"):
                within(0.001, over.wait)
        with in_time(budget=0):
            assert course.click()["state"] == "pending"
    finally:
        over.set()


def test_a_thread_that_ends_late_is_free_again():
    over, before = threading.Event(), set(threading.enumerate())
    for _ in range(THREADS):
        with pytest.raises(StoreUnavailable):
            within(0.001, over.wait)
    over.set()
    wait_until(lambda: set(threading.enumerate()) <= before)
    assert within(60, lambda: "done") == "done"


def test_what_the_work_raises_is_raised():
    with pytest.raises(TimeoutError, match="its own"):
        within(60, raising(TimeoutError("its own")))


def test_without_a_thread_the_completion_is_kept(lms, directus, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    course = lms(directus.url)
    for _ in range(THREADS + 1):
        assert course.click()["state"] == "pending"


def test_a_forked_worker_has_all_its_threads():
    over = threading.Event()
    try:
        for _ in range(THREADS):
            with pytest.raises(StoreUnavailable):
                within(0.001, over.wait)
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if within(60, lambda: True) else 1)
            finally:  # nothing more of the tests in the child
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        over.set()


def test_a_stuck_thread_lets_its_process_end():
    code = (
        "import threading; from bridge import StoreUnavailable\n"
        "from progress_xblock.time_limit import within\n"
        "try: within(0.01, threading.Event().wait)\n"
        "except StoreUnavailable: print('given up')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert ended.stdout == "given up\n"


class TestWithAnOutbox:
    @pytest.fixture
    def course(self, lms, directus, tmp_path):
        return lms(directus.url, outbox={"url": f"sqlite:///{tmp_path}/outbox.db"})

    @pytest.fixture
    def outbox(self, course):
        outbox = open_outbox(click_settings(course.block_settings))
        yield outbox
        outbox.close()

    def test_a_click_puts_and_asks_nothing_of_directus(self, course, outbox, directus):
        with directus.misbehaving(faults.stay_silent), in_time(budget=0):
            assert course.click()["state"] == "accepted"
        assert directus.struck == 0
        assert outbox.counts().waiting == 1

    def test_what_is_accepted_is_said_honestly(self, course):
        face = course.click()
        assert not face["active"]
        assert "It is saved and will be passed on." in face["message"]
        assert course.visit()["state"] == "accepted"

    def test_a_second_click_puts_nothing_more(self, course, outbox):
        course.click()
        course.click()
        assert outbox.counts().waiting == 1
        assert [name for name, _ in course.published] == ["completion"]

    def test_a_failing_outbox_leaves_it_pending(self, course, tmp_path, outbox):
        good = course.block_settings["outbox"]
        course.block_settings["outbox"] = {"url": f"sqlite:///{tmp_path}/no/such/folder/o.db"}
        assert course.click()["state"] == "pending"
        course.block_settings["outbox"] = good
        assert course.handler("send_pending").json["state"] == "accepted"
        (item,) = outbox.lease(1, 60)
        assert item.completion.identity == Identity("funmooc", LEARNER)

    def test_a_locked_outbox_costs_a_second(self, course):
        assert click_settings(course.block_settings).outbox.timeout == 1.0


def test_a_bug_costs_no_completion(course, store, monkeypatch, caplog):
    monkeypatch.setattr(store, "record", raising(KeyError("a secret")))
    response = course.handler("complete")
    assert (response.status_code, response.json["state"]) == (200, "pending")
    assert "unexpected KeyError in" in caplog.text
    assert "a secret" not in caplog.text


def test_what_is_pending_holds_the_whole_completion(course, store):
    store.error = StoreUnavailable("refused")
    course.fields["sequence_id"] = "s1"
    course.click()
    assert course.block().pending == {
        "origin": "funmooc",
        "external_user_id": LEARNER,
        "grain_id": "grain-1",
        "module_id": "m1",
        "sequence_id": "s1",
        "completed_at": course.block().completed_at.isoformat(timespec="milliseconds"),
    }


def test_once_passed_on_no_id_is_kept(course, store):
    store.error = StoreUnavailable("refused")
    course.click()
    store.error = None
    course.handler("send_pending")
    assert course.block().pending == {}


def test_what_is_pending_keeps_the_learners_other_id(course, store):
    """The setting was changed between the click and the next visit."""
    store.error = OutboxUnavailable("full")
    course.click()
    store.error = None
    course.block_settings["learner_id"] = "course"
    course.handler("send_pending")
    assert len(store.progress(Identity("funmooc", LEARNER))) == 1
    assert store.progress(Identity("funmooc", COURSE_ID)) == []


@pytest.mark.parametrize("other", [("funmooc", "another"), ("moodle", "7")])
def test_what_is_pending_is_its_learners_alone(course, store, other):
    store.error = OutboxUnavailable("full")
    instant = course.click()["completed_at"]
    store.error = None
    block = course.block()
    block.pending = {**block.pending, "origin": other[0], "external_user_id": other[1]}
    block.save()
    assert course.handler("send_pending").json["state"] == "done"
    assert store.progress(Identity(*other)) == []
    (row,) = store.progress(Identity("funmooc", LEARNER))
    assert (row.completed_at.isoformat(), row.module_id) == (instant, "m1")


def test_a_clock_put_back_refuses_nothing(course, store):
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
        store.error = StoreUnavailable("refused")
        instant = course.click()["completed_at"]
    store.error = None
    face = course.handler("send_pending").json
    assert (face["state"], face["completed_at"]) == ("done", instant)


@pytest.mark.parametrize("kept", [{}, {"grain_id": "grain-1"}, {"origin": 7}, {"origin": []}])
def test_what_cannot_be_read_is_made_anew(course, store, kept):
    store.error = StoreUnavailable("refused")
    instant = course.click()["completed_at"]
    block = course.block()
    block.pending = kept
    block.save()
    store.error = None
    assert course.handler("send_pending").json["state"] == "done"
    (row,) = store.progress(Identity("funmooc", LEARNER))
    assert row.completed_at.isoformat() == instant


def test_many_failing_clicks_are_one_line(course, store, caplog):
    store.error = StoreUnavailable("refused")
    for _ in range(5):
        course.click()
    assert caplog.text.count("refused") == 1


def test_another_trouble_is_its_own_line(course, store, caplog):
    for error in (StoreUnavailable("refused"), StoreMisconfigured("401")):
        store.error = error
        course.click()
        course.click()
    assert (caplog.text.count("refused"), caplog.text.count("401")) == (1, 1)


def test_a_lasting_trouble_is_logged_each_minute(course, store, caplog, monkeypatch):
    store.error = StoreUnavailable("refused")
    course.click()
    monkeypatch.setattr("progress_xblock.throttled_log.INTERVAL", 0.0)
    course.click()
    assert caplog.text.count("refused") == 2


def test_wrong_settings_are_one_line_and_lose_nothing(lms, course, caplog):
    course = lms("ftp://example.org")
    for _ in range(5):
        face = course.click()
    assert face["state"] == "held"
    assert "cannot be recorded for now" in face["message"]
    assert caplog.text.count("store.url: ftp scheme") == 1
    lms("memory:")
    del course.block_settings["store"]["token"]
    assert course.handler("send_pending").json["state"] == "done"


@pytest.mark.parametrize("budget", [0, 0.05, 31, "3", True, None, float("nan")])
def test_a_wrong_budget_is_said_and_loses_nothing(lms, budget, caplog):
    assert lms("memory:", budget=budget).click()["state"] == "held"
    assert "budget: not a number of seconds from 0.1 to 30" in caplog.text


def raising(error):
    def work(*_):
        raise error

    return work


def wait_until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never was"
        time.sleep(0.01)
