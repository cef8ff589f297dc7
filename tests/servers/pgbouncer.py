"""PgBouncer in front of a PostgreSQL: the real one, which gives each transaction to any session."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.servers.postgres import Postgres
from tests.servers.process import HOST, Server, ServerError

_SETTINGS: Final = {
    "pool_mode": "transaction",
    "auth_type": "any",
    "max_client_conn": "100",
    "default_pool_size": "1",  # so that every client falls into the session of the one before
    "log_connections": "0",
    "log_disconnections": "0",
}


def binary() -> str | None:
    """Find PgBouncer, which Debian keeps from ordinary users' search path."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


class PgBouncer(Server):
    """A PgBouncer that lets everybody in as PostgreSQL's superuser, from 127.0.0.1 alone.

    Args:
        postgres: the server behind it.
        settings: other settings of pgbouncer.ini than those of a transaction pool.
    """

    def __init__(self, postgres: Postgres, **settings: str) -> None:
        folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))  # pytest's are closed to its account
        super().__init__("pgbouncer", folder)
        every = {"listen_addr": HOST, "listen_port": str(self.port), "unix_socket_dir": ""}
        lines = [
            "[databases]",
            f"* = host={HOST} port={postgres.port} user=postgres",
            "[pgbouncer]",
            *(f"{name} = {value}" for name, value in (every | _SETTINGS | settings).items()),
        ]
        self._configuration = folder / "pgbouncer.ini"
        self._configuration.write_text("\n".join([*lines, ""]))
        if user := self.user():
            for path in (folder, self._configuration):
                shutil.chown(path, user, pwd.getpwnam(user).pw_gid)

    def user(self) -> str | None:
        """Return an unprivileged account when we are root, which PgBouncer refuses to run as."""
        return "nobody" if os.geteuid() == 0 else None

    def command(self) -> Sequence[str | Path]:
        """Return the command, with the configuration that was written."""
        program = binary()
        if program is None:
            raise ServerError("pgbouncer is not installed")
        return [program, self._configuration]

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ready(self) -> bool:
        """Return whether a client gets through to PostgreSQL."""
        import psycopg  # not installed in edX's environment, which asks what is provisioned

        try:
            with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database: str) -> str:
        """Return the URL of a database, ``postgresql://…``."""
        return f"postgresql://postgres@{HOST}:{self.port}/{database}"
