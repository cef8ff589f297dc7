"""`make run`: the demo starts, says where it is, keeps what was recorded, and stops."""

from __future__ import annotations

import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests

from tests.servers import ROOT
from tests.servers.need import need
from tests.servers.process import HOST, free_port, listening

HANDLER = "handler/la-photosynthese.progress.d0.u0/complete/?student=camille"


class Demo:
    """A demo as a user sees it in a terminal.

    Attributes:
        told: what it printed, by label.
        code: its exit code, and ``errors`` what it wrote to standard error, once it is stopped.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.told: dict[str, str] = {}
        self.code: int | None = None
        self.errors = ""

    @property
    def url(self) -> str:
        return self.told["Open"].split()[0]

    def read(self) -> None:
        """What it prints, up to the line that says how to stop it."""
        assert self.process.stdout
        for line in self.process.stdout:
            if label := re.match(r"  (\w.*?)   +(.*)", line):
                self.told[label[1]] = label[2]
            if "Stop" in self.told:
                return
        raise AssertionError(self.process.communicate()[1])

    def click(self) -> str:
        """The first grain's button, pressed by the demo's first learner."""
        with requests.Session() as session:
            session.get(self.url, timeout=30)
            headers = {"X-CSRFToken": session.cookies["csrftoken"]}
            answer = session.post(self.url + HANDLER, "{}", headers=headers, timeout=30)
            return str(answer.json()["state"])

    def rows(self) -> str:
        """What the printed command says."""
        command = shlex.split(self.told["Rows of Camille"])
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout

    def stop(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        try:
            _, self.errors = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.terminate()  # leave nothing running behind a failed test
            raise
        self.code = self.process.returncode


def port(url: str) -> int:
    found = urlsplit(url).port
    assert found
    return found


@contextmanager
def demo(folder: Path, *words: str) -> Iterator[Demo]:
    command = [sys.executable, "-m", "tests.demo", "--folder", str(folder)]
    process = subprocess.Popen(
        [*command, "--port", str(free_port()), *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    started = Demo(process)
    try:
        started.read()
        yield started
    finally:
        if process.poll() is None:
            started.stop()


def test_the_demo_records_a_click_keeps_it_and_stops_cleanly(tmp_path: Path) -> None:
    with demo(tmp_path) as first:
        assert "grain-lumiere" not in first.rows()
        assert first.click() == "done"
        assert "grain-lumiere" in first.rows()
    assert (first.code, first.errors) == (0, "")
    assert not listening(port(first.url))
    with demo(tmp_path) as second:
        assert "grain-lumiere" in second.rows()
        assert 'data-state="done"' in requests.get(second.url, timeout=30).text


def test_the_demo_on_directus_records_there_and_its_admin_can_log_in(tmp_path: Path) -> None:
    need("directus-11.17.4")
    with demo(tmp_path, "--store", "directus") as first:
        assert first.click() == "done"
        assert "grain-lumiere" in first.rows()
    assert (first.code, first.errors) == (0, "")
    assert not listening(port(first.told["Directus"]))
    with demo(tmp_path, "--store", "directus") as second:
        assert "grain-lumiere" in second.rows()
        email, password = second.told["Log in with"].split()
        login = {"email": email, "password": password}
        address = second.told["Directus"].replace("/admin", "/auth/login")
        assert requests.post(address, json=login, timeout=30).ok


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        taken = str(other.getsockname()[1])
        command = [sys.executable, "-m", "tests.demo", "--folder", str(tmp_path), "--port", taken]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"The demo cannot go on: port {taken} is taken\n"
