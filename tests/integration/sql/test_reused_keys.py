"""A base that was emptied or restored gives known keys to other learners: whose is a row then?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge import Completion, Status
from bridge.stores.sql import SQLStore
from tests.contract.learners import done
from tests.integration.sql.stores import ALICE, BOB, opened, statuses

EMPTY = {
    "postgresql": ["TRUNCATE apprenants RESTART IDENTITY CASCADE"],
    "sqlite": ["DELETE FROM progress", "DELETE FROM apprenants"],
}


@pytest.fixture(params=["postgresql", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SQLStore]:
    url = f"sqlite:///{tmp_path}/progress.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("fresh_base").url
    with opened(url) as store:
        yield store


@pytest.fixture
def emptied(store: SQLStore) -> Callable[..., None]:
    """Give a function that empties the base between the store's look-up and its next write.

    Another writer then records what the function is given.
    """

    def empty(*others: Completion) -> None:
        rows: Any = store._rows
        resolve = rows.resolve
        with store._transaction(writing=True) as connection:
            remembered = resolve(connection, {ALICE: None})
        with opened(store._settings.url) as other, other._transaction(writing=True) as connection:
            for statement in EMPTY[connection.dialect.name]:
                connection.exec_driver_sql(statement)
        with opened(store._settings.url) as other:
            other._rehearse_again = float("inf")  # it would use a key up
            other.record(others)

        def look_up_once(*_: Any) -> Any:
            rows.resolve = resolve
            return remembered

        rows.resolve = look_up_once

    return empty


def test_a_new_row_is_its_learners(store: SQLStore, emptied: Callable[..., None]) -> None:
    statuses(store, done(ALICE, "g1"))
    emptied(done(BOB, "g1"))
    assert statuses(store, done(ALICE, "g2")) == [Status.CREATED]
    assert store.progress(BOB) == [done(BOB, "g1").progress]
    assert store.progress(ALICE) == [done(ALICE, "g2").progress]


@pytest.mark.parametrize("hours", [-1, 1])
def test_anothers_row_is_neither_replaced_nor_believed(
    store: SQLStore, emptied: Callable[..., None], hours: int
) -> None:
    statuses(store, done(ALICE, "g1"))
    emptied(done(BOB, "g1"))
    assert statuses(store, done(ALICE, "g1", hours=hours)) == [Status.CREATED]
    assert store.progress(BOB) == [done(BOB, "g1").progress]
    assert store.progress(ALICE) == [done(ALICE, "g1", hours=hours).progress]


def test_nobody_is_written_under_a_free_key(store: SQLStore, emptied: Callable[..., None]) -> None:
    statuses(store, done(ALICE, "g1"))
    emptied()
    assert statuses(store, done(ALICE, "g2")) == [Status.CREATED]
    assert store.progress(ALICE) == [done(ALICE, "g2").progress]


def test_an_erasure_removes_its_learner_alone(
    store: SQLStore, emptied: Callable[..., None]
) -> None:
    statuses(store, done(ALICE, "g1"))
    rows: Any = store._rows
    find = rows._find_learners
    with store._transaction(writing=True) as connection:
        remembered = find(connection, [ALICE])
    emptied(done(BOB, "g1"))

    def look_up_once(*_: Any) -> Any:
        rows._find_learners = find
        return remembered

    rows._find_learners = look_up_once
    assert not store.erase(ALICE)
    assert store.progress(BOB) == [done(BOB, "g1").progress]
