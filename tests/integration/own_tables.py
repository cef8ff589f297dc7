"""Two tables of a test's own beside the shared ones, so that it may leave out what it likes."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import replace

from bridge.config import Names, Secret, StoreSettings
from bridge.stores.directus.client import DirectusClient
from tests.servers.directus import Directus
from tests.servers.postgres import psql

_LEARNERS = """
CREATE TABLE {learners} (
    id {serial},
    origin VARCHAR(50) NOT NULL,
    external_user_id VARCHAR(255) NOT NULL,
    email VARCHAR(255),
    date_creation {timestamp}{unique_learner}
);
"""
_PROGRESS = """
CREATE TABLE {progress} (
    id {serial},
    apprenant_id INTEGER NOT NULL,
    grain_id VARCHAR(255) NOT NULL,
    module_id VARCHAR(255),
    sequence_id VARCHAR(255),
    completed_at {timestamp} NOT NULL{unique_grain}{key}
);
"""
_POSTGRESQL = {"serial": "SERIAL PRIMARY KEY", "timestamp": "TIMESTAMPTZ"}
_SQLITE = {"serial": "INTEGER PRIMARY KEY AUTOINCREMENT", "timestamp": "TIMESTAMP"}
_PARTS = {
    "unique_learner": ", UNIQUE (origin, external_user_id)",
    "unique_grain": ", UNIQUE (apprenant_id, grain_id)",
    "key": ", CONSTRAINT {progress}_apprenant_id_foreign FOREIGN KEY (apprenant_id) "
    "REFERENCES {learners} (id) ON DELETE CASCADE",
}

MakeTables = Callable[..., Names]


def make_tables(directus: Directus, *without: str) -> Names:
    """Make the two tables under names nobody else uses.

    Args:
        directus: where.
        without: what to leave out, of ``unique_learner``, ``unique_grain`` and ``key``.
    """
    number = uuid.uuid4().hex[:8]
    names = Names(learners=f"learners_{number}", progress=f"progress_{number}")
    parts = {name: "" if name in without else part for name, part in _PARTS.items()}
    tables = {"learners": names.learners, "progress": names.progress}
    types = _POSTGRESQL if directus.database_url else _SQLITE
    parts["key"] = parts["key"].format(**tables)
    run_sql(directus, (_LEARNERS + _PROGRESS).format(**tables, **types, **parts))
    return names


def run_sql(directus: Directus, script: str) -> None:
    """Run SQL in Directus's own base, behind its back."""
    if directus.database_url is not None:
        psql(directus.database_url, script)
        return
    connection = sqlite3.connect(directus.database_file, timeout=30)
    try:
        connection.executescript(script)
    finally:
        connection.close()


def admin_client(directus: Directus) -> DirectusClient:
    """Return the bridge's HTTP client with the administrator's token."""
    return DirectusClient(admin_settings(directus))


def admin_settings(directus: Directus, names: Names | None = None) -> StoreSettings:
    """Return settings with the administrator's token."""
    settings = StoreSettings(
        url=directus.url, token=Secret(directus.admin_token), read_timeout=120.0
    )
    return replace(settings, names=names) if names else settings


def count(directus: Directus, collection: str) -> int:
    """Count the rows of the collection."""
    answer = directus.request("GET", f"/items/{collection}?limit=0&meta=total_count")
    total: int = answer.json()["meta"]["total_count"]
    return total
