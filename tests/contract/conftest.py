"""Every store, under one name: a test that asks for `place` runs on each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from bridge.config import Settings, StoreSettings
from bridge.stores import Store, open_store
from bridge.stores.memory import MemoryStore
from tests.integration.own_base import OwnBase
from tests.integration.own_tables import admin_settings
from tests.servers import ROOT
from tests.servers.postgres import Postgres, psql

SQL: Final = ROOT / "sql"

DIRECTUS: Final = (
    "directus_pg",
    "directus_bigint",
    "directus_sqlite",
    "directus_10",
    "directus_12",
)
_BIGINT: Final = (
    "ALTER TABLE apprenants ALTER id TYPE bigint;"
    "ALTER TABLE progress ALTER id TYPE bigint, ALTER apprenant_id TYPE bigint;"
)
PLACES: Final = ("memory", "sqlite", "postgresql", "postgresql_old", *DIRECTUS)


@dataclass
class Place:
    """Somewhere to keep progress, that several stores can be opened on.

    Attributes:
        name: one of `PLACES`.
        open: a store on it; ``store_email`` is passed on.
        examples: how many generated sequences it can take in a few seconds.
    """

    name: str
    open: Callable[..., Store]
    examples: int


@pytest.fixture(scope="session", params=PLACES)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    name = request.param
    opened: list[Store] = []

    def opener(settings: StoreSettings) -> Callable[..., Store]:
        def open_one(*, store_email: bool = False) -> Store:
            store = open_store(Settings(store=settings, store_email=store_email))
            opened.append(store)
            return store

        return open_one

    if name == "memory":
        yield Place(name, _memory(), examples=200)
    elif name == "sqlite":
        path = tmp_path_factory.mktemp("contract") / "progress.db"
        yield Place(name, opener(StoreSettings(url=f"sqlite:///{path}")), examples=60)
    elif name.startswith("postgresql"):
        url = _postgresql(request.getfixturevalue("postgres"), name)
        yield Place(name, opener(StoreSettings(url=url)), examples=60)
    elif name == "directus_bigint":
        base = OwnBase(request.getfixturevalue("directus_pg"))
        base.alter("ALTER TABLE {learners} ALTER id TYPE bigint")  # what refers to it stays integer
        settings = admin_settings(base.directus, base.names)
        yield Place(name, opener(settings), examples=15)
        base.close()
    else:
        settings = request.getfixturevalue(name).store_settings
        yield Place(name, opener(replace(settings, read_timeout=60)), examples=15)
    for store in opened:
        store.close()


def _memory() -> Callable[..., Store]:
    """Return a way to open stores on one memory, or on another where addresses are kept."""
    stores = {keep: MemoryStore(store_email=keep) for keep in (False, True)}
    return lambda *, store_email=False: stores[store_email]


def _postgresql(postgres: Postgres, name: str) -> str:
    """Make a fresh base, or an old one: migrated, with BIGINT keys, without the constraint."""
    scripts: list[Path] = [SQL / "schema-multi-origin.sql"]
    if name == "postgresql_old":
        scripts = [SQL / "schema.sql", SQL / "schema-migration-multi-origin.sql"]
    url = postgres.create_database(f"contract_{name}")
    for script in scripts:
        postgres.psql(f"contract_{name}", script)
    if name == "postgresql_old":
        psql(url, _BIGINT)
    return url


@pytest.fixture
def store(place: Place) -> Store:
    return place.open()


@pytest.fixture
def other(place: Place) -> Store:
    """Open a second store on the same place, as another process would."""
    return place.open()
