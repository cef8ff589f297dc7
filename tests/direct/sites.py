"""The example sites as servers, and visitors who call on them."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import requests
import yaml

from tests.servers import ROOT
from tests.servers.process import HOST, Server

COOKIE: Final = "__Host-progress-guest"
_FLASK: Final = ("flask", "--app", "tests.direct.flask_project", "run", "--port")
_DJANGO: Final = ("django", "runserver", "--noreload")


class Site(Server):
    """One of the examples, recording into an SQLite file in its folder."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name, folder)
        key = {"id": "1", "secret": secrets.token_hex(16)}
        self.settings: dict[str, Any] = {
            "store": {"url": f"sqlite:///{folder / 'progress.db'}"},
            "tokens": {"keys": [key]},
        }
        self._configuration = folder / "bridge.yaml"
        self._configuration.write_text(yaml.safe_dump(self.settings))

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def command(self) -> Sequence[str | Path]:
        where = f"{HOST}:{self.port}" if self.name == "django" else str(self.port)
        return [sys.executable, "-m", *(_DJANGO if self.name == "django" else _FLASK), where]

    def environment(self) -> Mapping[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.direct.django_project",
            "PROGRESS_BRIDGE_CONFIG": str(self._configuration),
            "PYTHONPATH": str(ROOT),
            "SECRET_KEY": "only for the tests",
        }

    def start(self) -> Site:
        if self.name == "django" and not self.running:
            self.run([sys.executable, "-m", "django", "migrate", "--verbosity", "0"])
        super().start()
        return self


class Visitor:
    """A browser, as far as cookies go. It takes 127.0.0.1 for secure, as browsers do."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.cookies = requests.Session().cookies

    def call(self, method: str, path: str, cookie: str | None = None) -> requests.Response:
        """Call the site, with our cookies or another."""
        ours = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with requests.Session() as session:
            session.cookies = self.cookies
            headers = {"Cookie": cookie or ours}
            answer = session.request(
                method, self._site.url + path, headers=headers, allow_redirects=False, timeout=20
            )
        assert answer.status_code < 500, answer.text
        return answer

    def post(self, path: str) -> requests.Response:
        return self.call("POST", path)

    @property
    def progress(self) -> set[str]:
        return set(self.call("GET", "/progress").json())

    @property
    def proof(self) -> str | None:
        return self.cookies.get(COOKIE)
