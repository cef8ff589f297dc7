"""Connections to SQLite and PostgreSQL, set up so that what is recorded stays recorded."""

from __future__ import annotations

import math
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from bridge.config import StoreSettings
from bridge.errors import ConfigurationError
from bridge.support.extras import needs
from bridge.support.sqlite_files import retry_while_locked

_WRITING: Final = "bridge_writing"


def open_engine(settings: StoreSettings) -> Engine:
    """Return an engine for the URL of the settings. Connects to nothing yet.

    Raises:
        ConfigurationError: the URL cannot be read, or the driver is not installed.
    """
    try:
        url = make_url(settings.url)
        with needs("sql", "store.url"):
            make = _sqlite if settings.scheme == "sqlite" else _postgresql
            return make(url, settings)
    except (ArgumentError, ValueError):
        raise ConfigurationError("store.url: not a database URL") from None


def for_writing(engine: Engine) -> Engine:
    """Return the same engine, its transactions meant to write.

    SQLite takes its lock at their start.
    """
    return engine.execution_options(**{_WRITING: True})


def _postgresql(url: URL, settings: StoreSettings) -> Engine:
    milliseconds = math.ceil(settings.read_timeout * 1000)
    connect_args: dict[str, Any] = {
        "connect_timeout": max(2, math.ceil(settings.connect_timeout)),  # libpq's least is 2 s
        "tcp_user_timeout": milliseconds,
        "keepalives_idle": math.ceil(settings.read_timeout),  # or a host that is gone costs 2 hours
        "keepalives_interval": math.ceil(settings.read_timeout),
        # UTC, for a column without time zone: what is written and read there is UTC.
        "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
        " -c timezone=UTC",
        "application_name": "progress-bridge",
        "client_encoding": "utf8",  # not the base's own, which may know fewer characters
    }
    if settings.ca_file:
        connect_args |= {"sslmode": "verify-full", "sslrootcert": str(settings.ca_file)}
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args=connect_args,
        pool_size=settings.connections,
        max_overflow=0,
        pool_timeout=settings.connect_timeout + settings.read_timeout,
        pool_pre_ping=True,  # a server that was restarted costs one question, not one batch
        hide_parameters=True,
    )


def _sqlite(url: URL, settings: StoreSettings) -> Engine:
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        connect_args={"timeout": settings.read_timeout, "check_same_thread": False},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        retry_while_locked(
            lambda: connection.execute("PRAGMA journal_mode=WAL"), settings.read_timeout
        )
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A reader that becomes a writer would meet "database is locked" with no time-out.
        writing = connection.get_execution_options().get(_WRITING)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine
