"""Instants in writing, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bridge.json_format import isoformat, parse_instant, parse_stored_instant

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_what_is_written_is_read_back() -> None:
    assert isoformat(NOON) == "2026-01-31T12:00:00.000Z"
    assert parse_instant(isoformat(NOON)) == NOON


@pytest.mark.parametrize("text", ["noon", "2026-02-30T12:00:00Z", "", None, 5, NOON])
def test_what_is_no_instant_is_refused(text: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the words are whoever asks's own
        parse_instant(text)


@pytest.mark.parametrize(
    "stored",
    [
        "2026-01-31T12:00:00",
        "2026-01-31T13:00:00+01:00",
        datetime(2026, 1, 31, 12),
        datetime(2026, 1, 31, 13, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_a_stored_instant_is_in_utc(stored: str | datetime) -> None:
    found = parse_stored_instant(stored)
    assert found == NOON
    assert found.tzinfo is UTC


def test_no_instant_stays_none() -> None:
    assert isoformat(None) is None
    assert parse_stored_instant(None) is None
