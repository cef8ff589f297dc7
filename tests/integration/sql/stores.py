"""Stores on a base of a test's own, and what the base holds afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

from bridge import Completion, Identity, Status
from bridge.checks import Finding
from bridge.config import StoreSettings
from bridge.stores.sql import SQLStore
from tests.integration.sql.base import Base

ALICE: Final = Identity("moodle", 2002)
BOB: Final = Identity("moodle", 3003)


@contextmanager
def opened(url: str | Base, **settings: Any) -> Iterator[SQLStore]:
    """Open a store, and close it at the end."""
    url = url if isinstance(url, str) else url.url
    with closing(SQLStore(StoreSettings(url=url, **settings))) as store:
        yield store


def statuses(store: SQLStore, *completions: Completion) -> list[Status]:
    return [outcome.status for outcome in store.record(completions)]


def recorded(base: Base) -> list[tuple[Any, ...]]:
    """Return external id and grain of every row of progress."""
    return base.rows(
        "SELECT external_user_id, grain_id FROM progress JOIN apprenants a ON a.id = apprenant_id"
        " ORDER BY 1, 2"
    )


def to_mend(store: SQLStore) -> list[Finding]:
    """Return what `check` finds that keeps completions from being recorded."""
    return [finding for finding in store.check() if finding.fatal and not finding.ok]
