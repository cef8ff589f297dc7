"""A click with an outbox on a real Redis, well and unwell."""

import os
import signal
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from progress_xblock.settings import bridge_for, click_settings
from tests.servers.need import need
from tests.servers.redis import Redis

GRACE = 10.0
"""Seconds over what is promised, on a machine that is busy; what hangs here hangs for longer."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    need("redis")
    with Redis(tmp_path_factory.mktemp("redis"), appendonly=True) as server:
        yield server


@pytest.fixture
def lms(course, server, monkeypatch):
    monkeypatch.setattr("progress_xblock.sending.bridge_for", bridge_for)
    course.block_settings = patient(server)
    return course


def patient(server):
    """Return settings with which a Redis on a busy disk has all its time."""
    return {"outbox": {"url": server.url, "timeout": 20}, "budget": 30}


@contextmanager
def within(seconds):
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds + GRACE


def waiting(lms):
    return bridge_for(click_settings(lms.block_settings)).outbox.counts().waiting


def test_a_click_is_accepted_once(lms):
    before = waiting(lms)
    assert lms.click()["state"] == "accepted"
    assert lms.click()["state"] == "accepted"
    assert waiting(lms) == before + 1


def test_a_frozen_redis_costs_a_second(lms, server):
    lms.click()
    lms.kept.clear()
    lms.block_settings = {"outbox": {"url": server.url}}
    os.kill(server.pid, signal.SIGSTOP)
    try:
        with within(1.0):
            assert lms.click()["state"] == "pending"
    finally:
        os.kill(server.pid, signal.SIGCONT)
    lms.block_settings = patient(server)
    assert lms.handler("send_pending").json["state"] == "accepted"


def test_a_redis_that_is_gone_loses_nothing(lms, server):
    server.kill()
    lms.block_settings = {"outbox": {"url": server.url}}
    try:
        with within(1.0):
            assert lms.click()["state"] == "pending"
    finally:
        server.restart()
    lms.block_settings = patient(server)
    assert lms.handler("send_pending").json["state"] == "accepted"


def test_a_redis_without_address_keeps_the_budget(lms, monkeypatch):
    over = threading.Event()

    def hang(*_, **__):
        over.wait(60)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    lms.block_settings = {"outbox": {"url": "redis://redis.example.org"}, "budget": 0.6}
    with within(0.6):
        assert lms.click()["state"] == "pending"
    over.set()
