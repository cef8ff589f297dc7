"""What the URL of a PostgreSQL database says after its ``?``: it is used, or refused by name.

What libpq takes is told in PostgreSQL's manual, "Parameter Key Words". A session may not be ours:
PgBouncer gives each transaction to another one. So settings of the session are set at the start of
each transaction, and for that transaction alone.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterator
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

from bridge.config import StoreSettings
from bridge.errors import ConfigurationError

_SETTING: Final = re.compile(r"([A-Za-z_][\w.-]*)=(.*)", re.DOTALL)
_VERIFIED: Final = ("verify-ca", "verify-full")


class PostgresqlQuery:
    """The query of the URL, over what the settings say.

    Args:
        url: of the database.
        settings: the time-outs and the certificates to trust.

    Attributes:
        connection: what libpq takes, by name.
        hosts: what SQLAlchemy itself has to read: several hosts and their ports.

    Raises:
        ConfigurationError: a parameter is unknown, stands there twice, or contradicts a setting.
    """

    def __init__(self, url: URL, settings: StoreSettings) -> None:
        self.hosts = {name: url.query[name] for name in ("host", "port") if name in url.query}
        asked = {name: _single(name, url) for name in url.query if name not in self.hosts}
        self._of_transaction = _of_transaction(settings) | dict(_options(asked.pop("options", "")))
        for name, value in asked.items():
            _check(name, value)
        self.connection = {**_of_connection(settings), **_tls(asked, settings), **asked}

    def begin(self) -> str:
        """Return the statement that begins a transaction, whatever session it falls into."""
        settings = ", ".join(
            f"set_config({_literal(name)}, {_literal(value)}, true)"
            for name, value in self._of_transaction.items()
        )
        path = "" if "search_path" in self._of_transaction else _OWN_PATH
        # The driver takes a percent sign for a parameter.
        words = f"BEGIN ISOLATION LEVEL READ COMMITTED; {path}SELECT {settings}"
        return words.replace("%", "%%")


_OWN_PATH: Final = "SET LOCAL search_path TO DEFAULT; "
"""The role's or the database's, and not the one that somebody left in a session of PgBouncer."""


def _of_connection(settings: StoreSettings) -> dict[str, Any]:
    seconds = math.ceil(settings.read_timeout)
    return {
        "connect_timeout": max(2, math.ceil(settings.connect_timeout)),  # libpq's least is 2 s
        "tcp_user_timeout": math.ceil(settings.read_timeout * 1000),
        "keepalives_idle": seconds,  # or a host that is gone costs 2 hours
        "keepalives_interval": seconds,
        "application_name": "progress-bridge",
        "client_encoding": "utf8",  # not the base's own, which may know fewer characters
    }


def _of_transaction(settings: StoreSettings) -> dict[str, str]:
    milliseconds = str(math.ceil(settings.read_timeout * 1000))
    return {
        "timezone": "UTC",
        "datestyle": "ISO",  # the only one that the driver reads
        "statement_timeout": milliseconds,
        "lock_timeout": milliseconds,
    }


def _tls(asked: dict[str, str], settings: StoreSettings) -> dict[str, str]:
    """Return what ``store.ca_file`` asks of the connection.

    Raises:
        ConfigurationError: the URL asks for something else.
    """
    if not settings.ca_file:
        return {}
    if "sslrootcert" in asked:
        raise ConfigurationError("store.url: sslrootcert, and store.ca_file: give one of them")
    if asked.get("sslmode", "verify-full") not in _VERIFIED:
        raise ConfigurationError(
            f"store.url: sslmode={asked['sslmode']} does not verify, and store.ca_file is given; "
            "leave out one of them"
        )
    return {"sslmode": "verify-full", "sslrootcert": str(settings.ca_file)}


def _options(text: str) -> Iterator[tuple[str, str]]:
    """Read ``-c name=value`` and ``--name=value``, as the server does.

    Raises:
        ConfigurationError: there is something else, or what cannot be set for a transaction.
    """
    words = iter(_split(text))
    for word in words:
        given = next(words, "") if word == "-c" else re.sub(r"^(-c|--)", "", word)
        setting = _SETTING.fullmatch(given)
        if not setting or not word.startswith(("-c", "--")):
            raise ConfigurationError("store.url: options is not made of -c name=value")
        name = setting[1].replace("-", "_").lower()
        if name.startswith(("default_transaction_", "transaction_")):
            raise ConfigurationError(f"store.url: options may not hold {name}: the bridge writes")
        yield name, setting[2]


def _split(text: str) -> list[str]:
    """Split at spaces. A backslash keeps one, and quotation marks are letters."""
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split = True
    lexer.quotes = lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        raise ConfigurationError("store.url: options ends with a backslash") from None


def _single(name: str, url: URL) -> str:
    value = url.query[name]
    if not isinstance(value, str):
        raise ConfigurationError(f"store.url: {name} stands there twice")
    return value


def _check(name: str, value: str) -> None:
    try:
        make_conninfo("", **{name: value})
    except psycopg.ProgrammingError:
        raise ConfigurationError(f"store.url: PostgreSQL has no parameter {name}") from None
    if name == "client_encoding" and value.lower().replace("-", "") != "utf8":
        raise ConfigurationError("store.url: client_encoding has to be utf8, or be left out")


def _literal(value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace("'", "''")
    return f"E'{quoted}'"
