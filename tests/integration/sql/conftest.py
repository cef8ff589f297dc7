"""Databases of an ordinary role, in the state that the scripts of sql/ find or leave them in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.integration.sql.base import OWNER, Base, MakeBase
from tests.servers.postgres import Postgres


@pytest.fixture(scope="session")
def owner(postgres: Postgres) -> str:
    postgres.psql("postgres", f"CREATE ROLE {OWNER} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
    return OWNER


@pytest.fixture(scope="module")
def make_base(postgres: Postgres, owner: str, request: pytest.FixtureRequest) -> Iterator[MakeBase]:
    """Give a function that makes databases, which all go at the end of the module."""
    numbers, made = count(1), []

    def make(*statements: str, encoding: str = "UTF8") -> Base:
        name = f"{request.node.path.stem}_{next(numbers)}"
        postgres.psql(
            "postgres",
            f"CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING '{encoding}'",
        )
        made.append(name)
        base = Base(postgres, name)
        base.do(*statements)
        return base

    yield make
    for name in made:
        postgres.drop_database(name)


@pytest.fixture
def old_base(make_base: MakeBase) -> Base:
    """Make the old model as sql/schema.sql does, with learners 1 to 3 of Moodle."""
    base = make_base()
    assert base.script("schema.sql").returncode == 0
    base.do("INSERT INTO apprenants (moodle_user_id) VALUES (11), (12), (13)")
    base.do("INSERT INTO progress (apprenant_id, grain_id, completed_at) VALUES (1, 'g', now())")
    return base


@pytest.fixture
def fresh_base(make_base: MakeBase) -> Base:
    """Make the multi-origin model as a new base gets it."""
    base = make_base()
    assert base.script("schema-multi-origin.sql").returncode == 0
    return base


@pytest.fixture
def migrated_base(old_base: Base) -> Base:
    """Migrate `old_base`."""
    assert old_base.migrate().returncode == 0
    return old_base
