"""PostgreSQL in a temporary folder: the real server, and the real psql and pg_dump."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from tests.servers.process import HOST, Server, ServerError

_STOP_MODES: Final = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}
"""What ``pg_ctl stop -m`` sends for each mode (PostgreSQL manual, "Shutting Down the Server")."""


def binary(name: str) -> Path | None:
    """Find a program of the newest PostgreSQL that has the server, wherever the system put it."""

    def version(folder: Path) -> float:
        return float(folder.parent.name)

    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=version, reverse=True):
        if (folder / "initdb").exists() and (folder / name).exists():
            return folder / name
    found = shutil.which(name)
    return Path(found) if found else None


def program(name: str) -> Path:
    """Find a program of PostgreSQL that must be there."""
    found = binary(name)
    if found is None:
        raise ServerError(f"PostgreSQL's {name} is not installed")
    return found


class Postgres(Server):
    """A cluster of its own: user ``postgres``, no password, reachable from 127.0.0.1 alone.

    Args:
        fsync: keep data over a crash of the machine. Off by default, for speed; a crash of the
            server alone (`kill`) loses nothing either way.
        settings: more settings of postgresql.conf.
    """

    kill_signal = signal.SIGQUIT  # SIGKILL would leave the children and their shared memory

    def __init__(self, *, fsync: bool = False, settings: dict[str, str] | None = None) -> None:
        # Not a folder of pytest's: those are closed to the account that runs the server.
        folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        super().__init__("postgres", folder)
        self._data = folder / "data"
        self._settings = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "on" if fsync else "off",
            "log_min_messages": "warning",
            **(settings or {}),
        }
        if user := self.user():
            shutil.chown(folder, user, pwd.getpwnam(user).pw_gid)

    def user(self) -> str | None:
        """Return an unprivileged account when we are root, which PostgreSQL refuses to run as."""
        if os.geteuid() != 0:
            return None
        accounts = {entry.pw_name for entry in pwd.getpwall()}
        return "postgres" if "postgres" in accounts else "nobody"

    def command(self) -> Sequence[str | Path]:
        """Return the command ``postgres``, with all settings on its command line."""
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        return [program("postgres"), "-D", self._data, *options]

    def ready(self) -> bool:
        """Return whether the server takes connections, asked by its own pg_isready."""
        command = [program("pg_isready"), "-q", "-h", HOST, "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def start(self) -> Self:
        """Make the cluster the first time, start it, wait until it takes connections."""
        if not self._data.exists():
            options = ["-U", "postgres", "-E", "UTF8", "--auth=trust", "--no-locale", "--no-sync"]
            self.run([program("initdb"), "-D", self._data, *options])
        return super().start()

    def stop(self, mode: str = "fast") -> None:
        """Stop it: ``smart`` waits for clients, ``fast`` drops them, ``immediate`` crashes."""
        self._end(_STOP_MODES[mode])

    def remove(self) -> None:
        """Stop it and delete its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __exit__(self, *_: object) -> None:
        self.remove()

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database, ``postgresql://…``."""
        return f"postgresql://postgres@{HOST}:{self.port}/{database}"

    def create_database(self, name: str, template: str = "template1") -> str:
        """Create a database as a copy of ``template``, and return its URL."""
        self.psql("postgres", f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database and whoever is connected to it."""
        self.psql("postgres", f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def psql(
        self, database: str, script: str | Path, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a file (a `Path`) or statements (a string) as `psql` does."""
        return psql(self.url(database), script, check, **variables)

    def dump(self, database: str) -> str:
        """Return all of a database as text, by pg_dump."""
        command = [program("pg_dump"), "--dbname", self.url(database)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        # Since 15.14 a dump is fenced by a random key: without it, equal bases dump equal.
        lines = done.stdout.splitlines(keepends=True)
        return "".join(x for x in lines if not x.startswith(("\\restrict ", "\\unrestrict ")))


class Standby(Postgres):
    """A hot standby: it follows another server, and is only read.

    Args:
        primary: the server that it follows.
    """

    def __init__(self, primary: Postgres) -> None:
        super().__init__()
        self._primary = primary

    def start(self) -> Self:
        """Copy the primary's cluster, and wait until it can be read."""
        if not self._data.exists():
            source = ["-h", HOST, "-p", str(self._primary.port), "-U", "postgres"]
            options = ["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
            self.run([program("pg_basebackup"), "-D", self._data, *source, *options])
        return super().start()


def psql(
    url: str, script: str | Path, check: bool = True, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a file (a `Path`) or statements (a string) with the real psql, up to the first error.

    Args:
        url: of the database.
        script: statements come in on standard input, so that psql's own commands work too.
        check: raise when it fails.
        variables: psql variables (``-v name=value``).

    Returns:
        ``stdout`` holds bare rows (unaligned, tuples only), ``stderr`` errors and notices.

    Raises:
        ServerError: it failed, with what psql said.
    """
    options = [f"--set={name}={value}" for name, value in variables.items()]
    command = [program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *options]
    source = ["-f", str(script)] if isinstance(script, Path) else ["-f", "-"]
    done = subprocess.run(
        [*command, "-d", url, *source],
        input=None if isinstance(script, Path) else script,
        stdin=subprocess.DEVNULL if isinstance(script, Path) else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        raise ServerError(f"psql: exit code {done.returncode}\n{done.stderr}")
    return done
