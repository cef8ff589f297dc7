"""Completion: what may be recorded, and in what form."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from bridge import Completion, Identity, InvalidCompletion, Progress, RuleCode

ALICE = Identity("moodle", 1)
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_a_completion_without_an_instant_is_of_now() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    assert before <= Completion(ALICE, "g").completed_at <= datetime.now(UTC)


def test_ids_are_stripped_and_may_be_absent() -> None:
    completion = Completion(ALICE, "  grain 1\n", " m ", None)
    assert (completion.grain_id, completion.module_id) == ("grain 1", "m")
    assert completion.sequence_id is None


@pytest.mark.parametrize("field", ["grain_id", "module_id", "sequence_id"])
@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("", "empty"),
        (" \t", "empty"),
        ("x" * 256, "too long"),
        ("a\0b", "not printable"),
        ("a\nb", "not printable"),
        ("\ud800", "not printable"),
        (5, "not a string"),
    ],
)
def test_an_id_that_breaks_a_rule_is_refused(field: str, value: Any, rule: str) -> None:
    with pytest.raises(InvalidCompletion, match=rf"^{field}: .*{rule}"):
        Completion(ALICE, **{"grain_id": "g", field: value})


def test_a_grain_must_be_given() -> None:
    with pytest.raises(InvalidCompletion, match="grain_id: missing"):
        Completion(ALICE, None)


@pytest.mark.parametrize(
    ("instant", "rule"),
    [
        (datetime(2026, 1, 31, 12), "naive"),
        (datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), "before 2000"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), "before 2000"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))), "ahead"),
        ("2026-01-31T12:00:00Z", "not a datetime"),
        (1769860800, "not a datetime"),
    ],
)
def test_an_instant_that_breaks_a_rule_is_refused(instant: Any, rule: str) -> None:
    with pytest.raises(InvalidCompletion, match=f"completed_at: .*{rule}"):
        Completion(ALICE, "g", completed_at=instant)


def test_a_clock_may_run_5_minutes_ahead() -> None:
    now = datetime.now(UTC)
    Completion(ALICE, "g", completed_at=now + timedelta(minutes=5))
    with pytest.raises(InvalidCompletion, match="more than 5 minutes ahead"):
        Completion(ALICE, "g", completed_at=now + timedelta(minutes=5, seconds=30))


def test_a_refusal_that_time_heals_says_when() -> None:
    ahead = datetime.now(UTC) + timedelta(minutes=5, seconds=30)
    with pytest.raises(InvalidCompletion) as refusal:
        Completion(ALICE, "g", completed_at=ahead)
    assert refusal.value.code is RuleCode.TOO_FAR_AHEAD
    assert refusal.value.retry_after is not None
    assert 1 <= refusal.value.retry_after <= 30


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"grain_id": None}, RuleCode.MISSING),
        ({"grain_id": 7}, RuleCode.NOT_A_STRING),
        ({"grain_id": " "}, RuleCode.EMPTY),
        ({"module_id": "m" * 256}, RuleCode.TOO_LONG),
        ({"sequence_id": "a\nb"}, RuleCode.NOT_PRINTABLE),
        ({"completed_at": datetime(1970, 1, 1, tzinfo=UTC)}, RuleCode.BEFORE_2000),
        ({"completed_at": datetime(2026, 1, 1)}, RuleCode.NO_TIME_ZONE),
        ({"completed_at": 0}, RuleCode.NOT_AN_INSTANT),
        ({"email": "ada"}, RuleCode.NOT_AN_EMAIL),
        ({"identity": "ada"}, RuleCode.NOT_AN_IDENTITY),
    ],
)
def test_a_refusal_has_the_code_of_its_rule(values: dict[str, Any], code: RuleCode) -> None:
    with pytest.raises(InvalidCompletion) as refusal:
        Completion(**{"identity": ALICE, "grain_id": "g"} | values)
    assert (refusal.value.code, refusal.value.retry_after) == (code, None)
    copied = pickle.loads(pickle.dumps(refusal.value))
    assert (copied.code, str(copied)) == (code, str(refusal.value))


def test_an_instant_is_kept_in_utc_milliseconds() -> None:
    paris = datetime(2026, 1, 31, 13, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))
    kept = Completion(ALICE, "g", completed_at=paris).completed_at
    assert kept == NOON.replace(microsecond=999_000)
    assert kept.tzinfo is UTC


@pytest.mark.parametrize("address", ["nobody", "a@b\n", "a@" + "b" * 255, 5])
def test_a_wrong_email_is_refused_and_not_shown(address: Any) -> None:
    with pytest.raises(InvalidCompletion, match="email") as refusal:
        Completion(ALICE, "g", email=address)
    assert str(address) not in str(refusal.value)


def test_an_email_is_not_shown_and_not_compared() -> None:
    completion = Completion(ALICE, "g", completed_at=NOON, email="alice@example.org")
    assert "alice" not in repr(completion)
    assert completion == Completion(ALICE, "g", completed_at=NOON)


def test_a_completion_can_be_written_and_read_back() -> None:
    full = Completion(ALICE, "g", "m", "s", NOON, "alice@example.org")
    for completion in (full, Completion(ALICE, "g")):
        again = Completion.from_dict(completion.as_dict())
        assert again == completion
        assert again.email == completion.email


def test_a_clock_put_back_refuses_no_kept_completion() -> None:
    values = Completion(ALICE, "g").as_dict()
    future = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    again = Completion.from_dict(values | {"completed_at": future.isoformat()})
    assert again.completed_at == future


@pytest.mark.parametrize("values", [{}, {"origin": "moodle", "external_user_id": "0"}])
def test_what_is_no_written_completion_is_not_read(values: dict[str, str]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Completion.from_dict(values)


def test_of_two_rows_exactly_one_precedes() -> None:
    rows = [
        Progress("g", module, sequence, instant)
        for instant in (NOON, NOON + timedelta(seconds=1), None)
        for module in ("m", "n", None)
        for sequence in ("s", None)
    ]
    for n, row in enumerate(rows):
        for m, other in enumerate(rows):
            assert row.precedes(other) == (n < m), (row, other)
