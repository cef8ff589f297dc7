"""A real Moodle, installed over PostgreSQL, with its web server and its command line."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import requests

from tests.real.moodle.code import Code
from tests.servers.postgres import Postgres
from tests.servers.process import HOST, Server, ServerError

_ACT: Final = Path(__file__).with_name("act.php")
_PASSWORD: Final = "Admin-1234"
_SETUP: Final = "require_once(__DIR__ . '/lib/setup.php');"
_LISTS: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.169.254")
"""What Moodle blocks by default, without the loopback range."""


class Moodle(Server):
    """Moodle behind PHP's own web server, on a loopback port.

    Args:
        code: laid out.
        folder: for Moodle's data and logs; must exist.
        database: running; gets a database of Moodle's.
    """

    def __init__(self, code: Code, folder: Path, database: Postgres) -> None:
        super().__init__("moodle", folder)
        self.code = code
        self._database = database

    @property
    def url(self) -> str:
        """Return where it answers."""
        return f"http://{HOST}:{self.port}"

    def command(self) -> Sequence[str | Path]:
        """Return the command that starts PHP's web server."""
        return ["php", *_PHP, "-S", f"{HOST}:{self.port}", "-t", self.code.web]

    def ready(self) -> bool:
        """Return whether the login page is there."""
        try:
            return requests.get(f"{self.url}/login/index.php", timeout=30).ok
        except requests.RequestException:
            return False

    def install(self) -> Self:
        """Install a Moodle without the plugin, in about a minute."""
        self._database.create_database("moodle")
        (self.folder / "data").mkdir()
        options = {
            **{"lang": "en", "wwwroot": self.url, "dataroot": self.folder / "data"},
            **{"dbtype": "pgsql", "dbhost": HOST, "dbport": self._database.port},
            **{"dbname": "moodle", "dbuser": "postgres", "dbpass": "-"},
            **{"fullname": "Moodle", "shortname": "moodle", "adminemail": "admin@example.org"},
            **{"adminuser": "admin", "adminpass": _PASSWORD},
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        self.cli("install", *words, "--non-interactive", "--agree-license")
        config = self.code.root / "config.php"
        debug = "$CFG->debug = E_ALL; $CFG->debugdisplay = 1; $CFG->noemailever = true;\n"
        debug += f"$CFG->phpunit_prefix = 'phpu_'; $CFG->phpunit_dataroot = '{self.phpunit}';\n"
        config.write_text(config.read_text().replace(_SETUP, debug + _SETUP))
        self.phpunit.mkdir()
        return self

    @property
    def phpunit(self) -> Path:
        """Return where Moodle's PHPUnit site keeps its data."""
        return self.folder / "phpunit"

    def upgrade(self) -> str:
        """Install or upgrade plugins, and return what was said."""
        self.unset("", "allversionshash")  # else an uninstalled plugin is not seen to be new
        return self.cli("upgrade", "--non-interactive")

    def know(self, bridge: str, port: int, key: str) -> None:
        """Give the plugin its bridge, and let Moodle call loopback."""
        self.configure(None, "curlsecurityblockedhosts", "\n".join(_LISTS))
        self.configure(None, "curlsecurityallowedport", f"443\n80\n{port}")
        self.configure("local_progressbridge", "url", bridge)
        self.configure("local_progressbridge", "apikey", key)

    def configure(self, component: str | None, name: str, value: object) -> None:
        """Set a setting with Moodle's cfg.php."""
        where = [f"--component={component}"] if component else []
        self.cli("cfg", *where, f"--name={name}", f"--set={value}")

    def unset(self, component: str, name: str) -> None:
        """Forget a setting, as if it had never been saved."""
        config = self.code.root / "config.php"
        unset = f"unset_config('{name}', '{component}' ?: null);"
        self.php(["-r", f"define('CLI_SCRIPT', true); require('{config}'); {unset}"])

    def act(self, command: str, *arguments: object) -> Any:
        """Do one thing by Moodle's own functions, which act.php calls."""
        said = self.php([_ACT, self.code.root / "config.php", command, json.dumps(arguments)])
        return json.loads(said)["answer"]

    def run_adhoc(self) -> str:
        """Run the plugin's adhoc tasks that are due, and return what they said."""
        tasks = [r"\local_progressbridge\task\send", r"\local_progressbridge\task\erase"]
        return "".join(self.cli("adhoc_task", "--execute", f"--classname={t}") for t in tasks)

    def run_scheduled(self) -> str:
        """Run the plugin's scheduled task, and return what it said."""
        return self.cli("scheduled_task", r"--execute=\local_progressbridge\task\reconcile")

    def cli(self, script: str, *words: str) -> str:
        """Run one of Moodle's commands, and return what it said."""
        return self.php([self.code.root / f"admin/cli/{script}.php", *words])

    def php(self, words: Sequence[str | Path], folder: Path | None = None) -> str:
        """Run PHP in a folder, and return what it said.

        Raises:
            ServerError: it failed, or said that something is deprecated or wrong.
        """
        done = subprocess.run(
            ["php", *_PHP, *map(str, words)],
            cwd=folder or self.code.root,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        if done.returncode:
            raise ServerError(f"php {words[0]}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout

    def remove(self) -> None:
        """Stop it and delete what it keeps."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


_PHP: Final = ("-d", "max_input_vars=5000", "-d", "display_errors=stderr")
"""What Moodle asks of PHP."""


class Administrator:
    """An administrator's browser, without the browser."""

    def __init__(self, moodle: Moodle) -> None:
        self._url = moodle.url
        self._session = requests.Session()
        login = f"{self._url}/login/index.php"
        token = _find(r'name="logintoken" value="([^"]+)"', self._session.get(login).text)
        form = {"username": "admin", "password": _PASSWORD, "logintoken": token}
        self.sesskey = _find(r'"sesskey":"([^"]+)"', self._session.post(login, data=form).text)

    def get(self, path: str) -> str:
        """Show a page."""
        return self._session.get(self._url + path, timeout=120).text

    def post(self, path: str, **form: object) -> str:
        """Send a form."""
        form["sesskey"] = self.sesskey
        return self._session.post(self._url + path, data=form, timeout=120).text

    def save(self, **settings: object) -> list[str]:
        """Save some of the plugin's settings on its page, and return the errors that it shows.

        A duration is a pair of number and unit, in seconds.
        """
        form: dict[str, object] = {"action": "save-settings", "section": "local_progressbridge"}
        for name, value in settings.items():
            full = f"s_local_progressbridge_{name}"
            if isinstance(value, tuple):
                form[f"{full}[v]"], form[f"{full}[u]"] = value
            else:
                form[full] = value
        shown = self.post("/admin/settings.php?section=local_progressbridge", **form)
        return re.findall(r'<span class="error">(.*?)</span>', shown)


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, f"no {pattern} in a page of {len(text)} characters"
    return found[1]
