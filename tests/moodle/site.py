"""A Moodle with the plugin in it: Moodle's functions are stand-ins, the plugin is the real one."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from tests.servers import ROOT

PLUGIN: Final = ROOT / "moodle_plugin_notes/local_progressbridge"
STAND_INS: Final = Path(__file__).with_name("stand_ins")
GUEST, ADMIN = 1, 2
INCOMPLETE, COMPLETE, PASSED, FAILED, FAILED_HIDDEN = range(5)
MANUAL, AUTOMATIC = 1, 2
WAITING, ACKNOWLEDGED, REFUSED = range(3)
MORNING: Final = 1767261600  # 2026-01-01T10:00:00Z


class PhpError(Exception):
    """PHP ended with an error; the message is what it wrote."""


class Site:
    """One Moodle site, in a folder.

    Args:
        folder: must exist; gets the plugin where Moodle would have it, and the database.
        language: what administrators read.
    """

    def __init__(self, folder: Path, language: str = "en") -> None:
        self.plugin = folder / "local/progressbridge"
        shutil.copytree(PLUGIN, self.plugin)
        (folder / "config.php").write_text(f"<?php require('{STAND_INS}/config.php');\n")
        self.database = folder / "moodle.db"
        self.language = language
        self.mtrace: list[str] = []
        self.debugging: list[str] = []
        with closing(self._connect()) as database:
            database.executescript((STAND_INS / "schema.sql").read_text())
        self.run("install")
        self.sql("INSERT INTO mdl_course_categories VALUES (1, 'Top', '/1'), (2, 'Sub', '/1/2')")
        self.add_course(10, idnumber="module-1")

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask or change Moodle's database."""
        with closing(self._connect()) as database, database:
            return database.execute(statement, values).fetchall()

    def configure(self, url: str, key: str, **settings: object) -> None:
        """What an administrator saves on the settings page."""
        for name, value in {"url": url, "apikey": key, "timeout": 5, **settings}.items():
            self.set("local_progressbridge", name, value)

    def set(self, plugin: str, name: str, value: object) -> None:
        """Set one setting."""
        self.sql("REPLACE INTO mdl_config_plugins VALUES (?, ?, ?)", plugin, name, str(value))

    def setting(self, name: str) -> str | None:
        """What the plugin keeps in its configuration."""
        asked = "SELECT value FROM mdl_config_plugins WHERE plugin = 'local_progressbridge'"
        found = self.sql(f"{asked} AND name = ?", name)
        return found[0][0] if found else None

    def add_course(self, course: int, *, idnumber: str = "", category: int = 1) -> None:
        """A course; its short name is C and its number."""
        values = (course, category, f"C{course}", f"Course {course}", idnumber)
        columns = "id, category, shortname, fullname, idnumber"
        self.sql(f"INSERT INTO mdl_course ({columns}) VALUES (?, ?, ?, ?, ?)", *values)

    def add_activity(
        self, cmid: int, idnumber: str | None, *, course: int = 10, **more: object
    ) -> None:
        """An activity, with completion tracking unless `completion` is 0.

        Args:
            more: columns of course_modules, such as the completion's conditions.
        """
        row = {"id": cmid, "course": course, "idnumber": idnumber, **more}
        places = ", ".join("?" * len(row))
        columns = ", ".join(row)
        self.sql(f"INSERT INTO mdl_course_modules ({columns}) VALUES ({places})", *row.values())

    def add_user(self, user: int) -> None:
        """A user with their context."""
        self.sql("INSERT INTO mdl_user (id, username) VALUES (?, ?)", user, f"user{user}")
        self.sql("INSERT INTO mdl_context (contextlevel, instanceid) VALUES (30, ?)", user)

    def write_completion(
        self, cmid: int, user: int, state: int = COMPLETE, at: int = MORNING
    ) -> None:
        """What a bulk update does: a row, and no event."""
        columns = "coursemoduleid, userid, completionstate, timemodified"
        self.sql(
            f"""INSERT INTO mdl_course_modules_completion ({columns}) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET completionstate = excluded.completionstate,
            timemodified = excluded.timemodified""",
            *(cmid, user, state, at),
        )

    def complete(
        self,
        cmid: int,
        user: int,
        state: int = COMPLETE,
        at: int = MORNING,
        actor: int = 0,
        override: int | None = None,
    ) -> None:
        """A learner's completion changes, and Moodle fires its event."""
        self.write_completion(cmid, user, state, at)
        self.fire(completion_event(cmid, user, state, actor, override))

    def reset_course(self, course: int = 10) -> None:
        """Delete its completions, as Moodle does when a course is reset: no event tells of it."""
        self.sql(
            """DELETE FROM mdl_course_modules_completion WHERE coursemoduleid IN
            (SELECT id FROM mdl_course_modules WHERE course = ?)""",
            course,
        )

    def delete_course(self, course: int = 10) -> None:
        """Delete it with its activities and their completions."""
        self.reset_course(course)
        self.sql("DELETE FROM mdl_course_modules WHERE course = ?", course)
        self.sql("DELETE FROM mdl_course WHERE id = ?", course)

    def delete_user(self, user: int, *, event: bool = True) -> None:
        """As Moodle does: the row stays, marked."""
        self.sql("UPDATE mdl_user SET deleted = 1 WHERE id = ?", user)
        if event:
            self.fire({"eventname": r"\core\event\user_deleted", "objectid": str(user)})

    def fire(self, *events: dict[str, Any]) -> None:
        """Fire events; an observer that throws fails the test."""
        self.run("events", events)

    def cron(self) -> list[str]:
        """Run scheduled and adhoc tasks; the messages of the adhoc tasks that failed."""
        self.run("scheduled")
        failures: list[str] = self.run("adhoc")
        return failures

    def items(self) -> dict[tuple[int, int], tuple[int, str | None]]:
        """Status, and the code of the refusal, by activity and user."""
        found = self.sql("SELECT cmid, userid, status, code FROM mdl_local_progressbridge_item")
        return {(cmid, user): (status, reason) for cmid, user, status, reason in found}

    def queued(self) -> list[str]:
        """The classes of the adhoc tasks, without their namespace."""
        return [row[0].split("\\")[-1] for row in self.sql("SELECT classname FROM mdl_task_adhoc")]

    def run(self, command: str, argument: object = None) -> Any:
        """Have PHP do one thing; its answer."""
        done = self.php(STAND_INS / "run.php", command, json.dumps(argument))
        if done.returncode:
            raise PhpError(done.stdout + done.stderr)
        said = json.loads(done.stdout)
        self.mtrace, self.debugging = said["mtrace"], said["debugging"]
        return said["answer"]

    def page(self, name: str, user: str = "admin", **post: object) -> dict[str, Any]:
        """Show one of the plugin's pages; the template and its context.

        Raises:
            PhpError: the page refused, or sent the browser elsewhere.
        """
        script = f"$_POST = json_decode($argv[1], true); require '{self.plugin}/{name}';"
        done = self.php("-r", script, json.dumps(post), user=user)
        if done.returncode:
            raise PhpError(done.stdout + done.stderr)
        shown: dict[str, Any] = json.loads(done.stdout)
        return shown

    def php(self, *words: str | Path, user: str = "admin") -> subprocess.CompletedProcess[str]:
        """Run PHP on this site."""
        environment = {
            **os.environ,
            "MOODLE_DATABASE": str(self.database),
            "MOODLE_PLUGIN": str(self.plugin),
            "MOODLE_LANG": self.language,
            "MOODLE_USER": user,
            "no_proxy": "*",
        }
        command = ["php", "-d", "display_errors=stderr", "-d", "xdebug.mode=off", *words]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.database, timeout=10)


def completion_event(
    cmid: int, user: int, state: int, actor: int = 0, override: int | None = None
) -> dict[str, Any]:
    """The event as Moodle fires it, with numbers as text: see the samples in samples.json."""
    return {
        "eventname": r"\core\event\course_module_completion_updated",
        "contextinstanceid": str(cmid),
        "userid": str(actor),
        "relateduserid": str(user),
        "other": {"relateduserid": str(user), "overrideby": override, "completionstate": state},
    }
