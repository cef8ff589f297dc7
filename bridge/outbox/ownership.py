"""Whose completions an outbox holds: it remembers the store that they are delivered to.

Two installations that share an outbox by mistake (one Redis, one prefix) would deliver each other's
completions. So the first deliverer writes its store into the outbox, and one of another store is
refused.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from bridge.checks import Finding
from bridge.config.store import StoreSettings
from bridge.errors import OutboxOfAnotherStore

_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "postgresql": 5432}

_WHERE: Final = ("host", "port", "dbname", "service", "options")
"""What of a database URL's query says which tables are meant."""


def store_mark(settings: StoreSettings) -> str:
    """Return the text by which an outbox knows the store: where it is, and its collections.

    It holds no user, password or token. A URL that is only spelled otherwise gives the same text:
    another case of the host, a slash at the end, the default port, a driver's name.
    """
    names = settings.names
    return f"{_place(settings)} ({names.learners}, {names.progress})"


def _place(settings: StoreSettings) -> str:
    scheme, parts = settings.scheme, urlsplit(settings.url)
    if scheme == "memory":
        return "memory:"
    if scheme == "sqlite":
        path = settings.url.partition("?")[0].partition(":///")[2]
        return f"sqlite:///{os.path.realpath(path)}"
    query = [f"{name}={value}" for name, value in parse_qsl(parts.query) if name in _WHERE]
    where = f"?{'&'.join(sorted(query))}" if query else ""
    return f"{scheme}://{_host(scheme, parts)}{parts.path.rstrip('/')}{where}"


def _host(scheme: str, parts: SplitResult) -> str:
    """Return host and port as one spelling of them."""
    host = parts.netloc.rpartition("@")[2].lower()
    with suppress(ValueError):  # several hosts, as PostgreSQL takes them
        port = parts.port
        name = (parts.hostname or "").rstrip(".")
        name = f"[{name}]" if ":" in name else name
        host = name if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{name}:{port}"
    return host


def check_owner(outbox: str, theirs: str | None, ours: str | None) -> None:
    """Refuse an outbox that another store's deliverer has marked.

    Args:
        outbox: its URL, as a message may show it.
        theirs: the store that is written into it, or None when none is.
        ours: the store of this configuration, or None when it is not known.

    Raises:
        OutboxOfAnotherStore: they differ.
    """
    if theirs is not None and ours is not None and theirs != ours:
        raise OutboxOfAnotherStore(
            f"outbox {outbox} holds completions for the store {theirs}, and this configuration's "
            f"store is {ours}: {REMEDY}"
        )


REMEDY: Final = (
    "give this installation an outbox (file or outbox.prefix) of its own, or write the store's URL "
    "as the others do; did the store move, `progress-bridge deliver --adopt` takes the outbox along"
)


def findings(outbox: str, theirs: str | None, ours: str | None) -> list[Finding]:
    """Tell whose the outbox is, in words. Nothing when this configuration's store is not known."""
    if ours is None:
        return []
    if theirs is None:
        return [Finding(ok=True, message="outbox: no deliverer has marked it for a store yet")]
    if theirs == ours:
        return [Finding(ok=True, message=f"outbox: it holds completions for {theirs}")]
    message = f"outbox {outbox} holds completions for the store {theirs}, not for {ours}"
    return [Finding(ok=False, message=message, remedy=REMEDY)]
