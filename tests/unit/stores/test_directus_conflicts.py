"""Whose fault it is that a row is not unique: Directus's hints, and what is found afterwards."""

from __future__ import annotations

import pytest

from bridge import StoreMisconfigured
from bridge.stores.directus.conflicts import NO_SUCH_PARENT, NOT_UNIQUE, RowConflict, UniqueColumns

PROGRESS = UniqueColumns("progress", "id", ("apprenant_id", "grain_id"))


def refused(what: RowConflict, *found: bool) -> dict[str, str]:
    return PROGRESS.refused({"row": what}, lambda _: found)


@pytest.mark.parametrize("collection", ["progress", None])
def test_a_taken_key_is_the_sequences_fault(collection: str | None) -> None:
    with pytest.raises(StoreMisconfigured, match=r"sequence of progress is behind.*setval"):
        refused(RowConflict(NOT_UNIQUE, collection, "id"), False)


def test_a_key_taken_elsewhere_is_the_rows_fault() -> None:
    reason = "Directus refuses: RECORD_NOT_UNIQUE (journal.id)"
    assert refused(RowConflict(NOT_UNIQUE, "journal", "id")) == {"row": reason}


@pytest.mark.parametrize("field", ["apprenant_id, grain_id", "grain_id"], ids=["pg", "sqlite"])
def test_a_hidden_row_is_misconfigured(field: str) -> None:
    with pytest.raises(StoreMisconfigured, match="does a rule hide rows"):
        refused(RowConflict(NOT_UNIQUE, "progress", field))


def test_a_row_taken_for_another_is_refused() -> None:
    assert "grain_id" in refused(RowConflict(NOT_UNIQUE, "progress", "grain_id"), False)["row"]


def test_a_row_found_after_all_is_kept() -> None:
    assert refused(RowConflict(NOT_UNIQUE, "progress", "grain_id"), False, True) == {}


@pytest.mark.parametrize(
    "what",
    [
        RowConflict(NOT_UNIQUE, "progress", "module_id"),
        RowConflict(NOT_UNIQUE, "progress", "id, module_id"),
        RowConflict(NOT_UNIQUE, None, None),
        RowConflict(NO_SUCH_PARENT, "progress", "id"),
    ],
)
def test_other_conflicts_refuse_the_row_naming_the_field(
    what: RowConflict,
) -> None:
    assert (what.field or what.code) in refused(what)["row"]
