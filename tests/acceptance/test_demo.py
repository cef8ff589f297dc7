"""`make run`: the demo starts, says where it is, keeps what was recorded, and stops."""

from __future__ import annotations

import html
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests

from tests.demo.course import scenarios
from tests.servers import ROOT
from tests.servers.need import need
from tests.servers.process import HOST, listening

PAGE = "scenario/progress.0/?student=camille"
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
        """Read what it prints, up to the line that says how to stop it."""
        assert self.process.stdout
        for line in self.process.stdout:
            if label := re.match(r"  (\S.*?)   +(.*)", line):
                self.told[label[1]] = label[2]
            if "Stop" in self.told:
                return
        raise AssertionError(self.process.communicate()[1])

    def click(self) -> str:
        """Press the first grain's button as the demo's first learner.

        Each request on a connection of its own: Django's development server closes them unasked.
        """
        page = requests.get(self.url + PAGE, timeout=30)
        headers = {"X-CSRFToken": page.cookies["csrftoken"]}
        answer = requests.post(
            self.url + HANDLER, "{}", headers=headers, cookies=page.cookies, timeout=30
        )
        return str(answer.json()["state"])

    @property
    def site(self) -> str:
        return self.told["A direct site"].split()[0]

    def rows(self, whose: str = "Camille") -> str:
        """Run the printed command, and return what it says."""
        return self.type(f"Rows of {whose}")

    def type(self, label: str) -> str:
        """Run a printed command, and return what it says."""
        done = subprocess.run(
            shlex.split(self.told[label]),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    def sign_in(self) -> str:
        """Return the token that the direct site launches its account with."""
        address = self.told["… with an account"]
        answer = requests.get(address, allow_redirects=False, timeout=30)
        return answer.headers["Location"].partition("#token=")[2]

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
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
        [*command, "--port", "0", *words],
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


def test_the_demo_keeps_a_click_and_stops(tmp_path: Path) -> None:
    with demo(tmp_path) as first:
        assert "grain-lumiere" not in first.rows()
        assert first.click() == "done"
        assert "grain-lumiere" in first.rows()
        token = first.sign_in()
    assert (first.code, first.errors) == (0, "")
    assert not listening(port(first.url))
    with demo(tmp_path) as second:
        complete(second, token, "grain-eau")  # a guest of yesterday is one today
        assert "grain-lumiere" in second.rows()
        assert 'data-state="done"' in requests.get(second.url + PAGE, timeout=30).text


def complete(started: Demo, token: str, grain: str) -> None:
    """Send a completion as `bridge.js` does."""
    headers = {"Authorization": f"Bearer {token}"}
    address = started.site.replace("/demo/", "/v1/completions")
    answer = requests.post(address, json={"grain_id": grain}, headers=headers, timeout=30)
    assert answer.status_code == 202, answer.text


def until(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds: delivery takes a moment."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline


def test_one_visitor_uses_all_three_doors(tmp_path: Path) -> None:
    with demo(tmp_path) as started:
        assert started.click() == "done"
        complete(started, started.sign_in(), "grain-eau")
        assert '"accepted":1' in started.type("Moodle")
        doors = {"Camille": "grain-lumiere", "the account": "grain-eau"}
        for whose, grain in (doors | {"Moodle's user": "grain-lumiere"}).items():
            until(lambda: grain in started.rows(whose))  # noqa: B023 -- it is called at once
        assert "photosynth" in requests.get(started.site, timeout=30).text
        assert requests.get(started.told["HTTP API"], timeout=30).ok
        block = "scenario/progress.3/?student=camille"
        assert f'"site": "{started.site.removesuffix("/demo/")}"' in html.unescape(
            requests.get(started.url + block, timeout=30).text
        )
    assert (started.code, started.errors) == (0, "")
    assert not listening(port(started.site))


def test_the_demo_records_in_directus(tmp_path: Path) -> None:
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


def test_the_course_uses_each_grain_once() -> None:
    grains = re.findall(r'grain_id="([^"]+)"', "".join(xml for _, xml in scenarios()))
    assert len(grains) == len(set(grains))


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        taken = str(other.getsockname()[1])
        command = [sys.executable, "-m", "tests.demo", "--folder", str(tmp_path), "--port", taken]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"The demo cannot go on: port {taken} is taken\n"
