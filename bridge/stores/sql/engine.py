"""Connections to SQLite and PostgreSQL, set up so that what is recorded stays recorded."""

from __future__ import annotations

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
    from bridge.stores.sql.postgresql_url import PostgresqlQuery  # psycopg: SQLite needs none

    asked = PostgresqlQuery(url, settings)
    engine = create_engine(
        url.set(drivername="postgresql+psycopg", query=asked.hosts),
        connect_args={**asked.connection, **_DRIVER},
        pool_size=settings.connections,
        max_overflow=0,
        pool_timeout=settings.connect_timeout + settings.read_timeout,
        pool_pre_ping=True,  # a server that was restarted costs one question, not one batch
        hide_parameters=True,
    )
    begin_words = asked.begin()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin_words)

    return engine


_DRIVER: Final[dict[str, Any]] = {
    # PgBouncer gives each transaction to another session, which does not know what was prepared.
    "prepare_threshold": None,
    "autocommit": True,  # transactions are begun above, with all they need, in one round trip
}


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
