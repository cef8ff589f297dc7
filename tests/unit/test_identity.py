"""Identity: what names a learner, and what does not. The cases are the team's common ones."""

from __future__ import annotations

import json
import pickle
import uuid
from pathlib import Path
from typing import Any, Final

import pytest

from bridge import Identity, InvalidIdentity, Origin, RuleCode

SHARED: Final = Path(__file__).parents[3] / "shared/cases/identities.json"
COPY: Final = Path(__file__).parents[1] / "cases/identities.json"
CASES: Final = json.loads((SHARED if SHARED.exists() else COPY).read_text(encoding="utf-8"))


def label(case: dict[str, Any]) -> str:
    return ascii(f"{case['origin']} {case['external_user_id']}")[1:40]


@pytest.mark.skipif(not SHARED.exists(), reason="no shared cases beside the project")
def test_the_copied_cases_equal_the_shared_ones() -> None:
    assert COPY.read_bytes() == SHARED.read_bytes()


@pytest.mark.parametrize("case", CASES["accepted"], ids=label)
def test_an_accepted_id_is_normalised(case: dict[str, Any]) -> None:
    identity = Identity(case["origin"], case["external_user_id"])
    assert identity.origin == case["origin"]
    assert identity.external_user_id == case["normalised"]
    assert identity == Identity(case["origin"], case["normalised"])


@pytest.mark.parametrize("case", CASES["refused"], ids=label)
def test_a_refused_id_names_rule_and_value(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidIdentity) as refusal:
        Identity(case["origin"], case["external_user_id"])
    rule, value = refusal.value.rule, refusal.value.value
    words = {"Studio preview": "a Studio preview", "nil UUID": "the nil UUID"}
    assert words.get(case["rule"], case["rule"]) in rule
    assert rule in str(refusal.value)
    assert value in str(refusal.value)
    assert len(value) <= 81


@pytest.mark.parametrize(
    ("origin", "external_user_id", "code"),
    [
        ("facebook", "1", RuleCode.UNKNOWN_ORIGIN),
        ("moodle", None, RuleCode.MISSING),
        ("moodle", [], RuleCode.NOT_A_STRING),
        ("moodle", " ", RuleCode.EMPTY),
        ("moodle", 1.5, RuleCode.NOT_AN_INTEGER),
        ("moodle", "٣", RuleCode.NOT_DIGITS),
        ("moodle", "ada", RuleCode.NOT_DIGITS),
        ("moodle", "007", RuleCode.LEADING_ZERO),
        ("moodle", 0, RuleCode.NOT_POSITIVE),
        ("moodle", 2**63, RuleCode.TOO_LARGE),
        ("funmooc", "a b", RuleCode.CHARACTER_NOT_ALLOWED),
        ("funmooc", "a" * 256, RuleCode.TOO_LONG),
        ("funmooc", "student", RuleCode.PREVIEW_USER),
        ("direct", "lovelace", RuleCode.NOT_A_UUID),
        ("direct", "6f9619ff8b864d01b42d00cf4fc964ff", RuleCode.NOT_CANONICAL),
        ("direct", str(uuid.UUID(int=0)), RuleCode.NIL_UUID),
    ],
)
def test_a_refused_id_has_its_rules_code(
    origin: str, external_user_id: Any, code: RuleCode
) -> None:
    with pytest.raises(InvalidIdentity) as refusal:
        Identity(origin, external_user_id)
    assert refusal.value.code is code


@pytest.mark.parametrize("origin", [["moodle"], 7, b"moodle", Origin])
def test_an_origin_that_is_no_text_is_unknown(origin: Any) -> None:
    with pytest.raises(InvalidIdentity, match="unknown origin"):
        Identity(origin, "1")


def test_a_uuid_object_equals_its_text() -> None:
    guest = uuid.uuid4()
    assert Identity("direct", guest) == Identity(Origin.DIRECT, str(guest).upper())


@pytest.mark.parametrize(
    "value",
    [10**5000, -(10**5000), "9" * 5000, "x" * 5000, [1] * 5000],
    ids=["large", "small", "digits", "text", "list"],
)
def test_a_huge_value_is_refused_in_few_words(value: Any) -> None:
    with pytest.raises(InvalidIdentity) as refusal:
        Identity("moodle", value)
    assert len(str(refusal.value)) < 200


def test_an_identity_shows_8_characters_at_most() -> None:
    identity = Identity("funmooc", "6f4e5b0c3a1d4e2f8b7a9c0d1e2f3a4b")
    assert str(identity) == "funmooc:6f4e5b0c…"
    assert "3a1d4e2f" not in repr(identity)


def test_an_identity_and_its_refusal_survive_pickling() -> None:
    identity = Identity("moodle", 12345)
    assert pickle.loads(pickle.dumps(identity)) == identity
    with pytest.raises(InvalidIdentity) as refusal:
        Identity("moodle", 0)
    assert str(pickle.loads(pickle.dumps(refusal.value))) == str(refusal.value)
