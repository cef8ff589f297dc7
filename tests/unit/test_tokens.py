"""Learner tokens: what is issued is read, and nothing else is."""

from __future__ import annotations

import base64
import json
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import jwt
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from bridge import ConfigurationError, Identity, InvalidCompletion, InvalidToken, Settings
from bridge.config import TokenSettings
from bridge.tokens import MAX_LIFETIME_SECONDS, LearnerToken, Tokens

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OLD, NEW = "old-" + "o" * 40, "new-" + "n" * 40
LEARNER = Identity("direct", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff")


def settings(*keys: tuple[str, str] | dict[str, Any], **more: Any) -> TokenSettings:
    section = {
        "keys": [k if isinstance(k, dict) else {"id": k[0], "secret": k[1]} for k in keys],
        **more,
    }
    found = Settings.from_mapping({"store": {"url": "memory:"}, "tokens": section}).tokens
    assert found
    return found


def tokens() -> Tokens:
    return Tokens(settings(("new", NEW), ("old", OLD)))


def forged(header: dict[str, Any] | None = None, secret: str = NEW, **changes: Any) -> str:
    """A token signed with our key that says something else; None leaves a claim out."""
    now = datetime.now(UTC).timestamp()
    claims = {
        "aud": "progress-bridge",
        "iss": "progress-bridge",
        "sub": LEARNER.external_user_id,
        "origin": "direct",
        "iat": int(now),
        "exp": int(now) + 300,
    }
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    headers = {"kid": "new"} if header is None else header
    return jwt.api_jws.encode(json.dumps(claims).encode(), secret, "HS256", headers=headers)


@time_machine.travel(NOW, tick=False)
def test_what_is_issued_is_read() -> None:
    read = tokens().read(tokens().issue(LEARNER, ["grain-1", " grain-2 "]))
    expected = LearnerToken(LEARNER, frozenset({"grain-1", "grain-2"}), NOW + timedelta(minutes=5))
    assert read == expected
    assert read.allows("grain-2")
    assert not read.allows("grain-3")


def test_grains_none_means_any_and_empty_means_none() -> None:
    assert tokens().read(tokens().issue(LEARNER)).allows("grain-1")
    assert not tokens().read(tokens().issue(LEARNER, [])).allows("grain-1")


@hypothesis.settings(deadline=None)
@given(
    st.sampled_from([Identity("moodle", 42), Identity("funmooc", "a" * 32), LEARNER]),
    st.none() | st.sets(st.text("abc-é", min_size=1, max_size=20), max_size=5),
)
def test_any_learner_and_grains_come_back(identity: Identity, grains: set[str] | None) -> None:
    read = tokens().read(tokens().issue(identity, grains))
    assert (read.identity, read.grains) == (identity, grains)


def of_platforms() -> Tokens:
    lms = {"id": "lms", "secret": OLD, "origins": ["funmooc"]}
    site = {"id": "site", "secret": NEW, "origins": ["direct", "moodle"]}
    return Tokens(settings(lms, site))


@pytest.mark.parametrize(
    ("identity", "kid"),
    [(Identity("funmooc", "a" * 32), "lms"), (LEARNER, "site"), (Identity("moodle", 42), "site")],
)
def test_the_first_key_of_the_learners_origin_signs(identity: Identity, kid: str) -> None:
    token = of_platforms().issue(identity)
    assert jwt.get_unverified_header(token)["kid"] == kid
    assert of_platforms().read(token).identity == identity


def test_key_makes_no_learner_of_another_platform() -> None:
    token = Tokens(settings(("lms", OLD))).issue(LEARNER)
    with pytest.raises(InvalidToken, match="not for learners of its origin"):
        of_platforms().read(token)


def test_nothing_is_issued_without_the_origins_key() -> None:
    only = Tokens(settings({"id": "lms", "secret": OLD, "origins": ["funmooc"]}))
    with pytest.raises(ConfigurationError, match="none is for learners of direct"):
        only.issue(LEARNER)


@pytest.mark.parametrize("origins", [[], "direct", ["facebook"], None, [["direct"]], 5])
def test_unknown_origins_of_a_key_are_refused(origins: object) -> None:
    with pytest.raises(ConfigurationError, match=r"tokens\.keys\[0\]\.origins: not some of"):
        settings({"id": "lms", "secret": OLD, "origins": origins})


def test_older_keys_are_read_and_the_first_signs() -> None:
    assert tokens().read(Tokens(settings(("old", OLD))).issue(LEARNER)).identity == LEARNER
    assert jwt.get_unverified_header(tokens().issue(LEARNER))["kid"] == "new"


def test_token_holds_only_what_the_contract_says() -> None:
    claims = jwt.decode(tokens().issue(LEARNER), options={"verify_signature": False})
    assert set(claims) == {"aud", "iss", "sub", "origin", "iat", "exp", "jti"}


def test_token_ends_ten_seconds_after_its_lifetime() -> None:
    with time_machine.travel(NOW, tick=False):
        token = tokens().issue(LEARNER, lifetime=60)
    with time_machine.travel(NOW - timedelta(hours=1), tick=False):  # a clock that was put right
        tokens().read(token)
    with time_machine.travel(NOW + timedelta(seconds=69), tick=False):
        tokens().read(token)
    with (
        time_machine.travel(NOW + timedelta(seconds=71), tick=False),
        pytest.raises(InvalidToken, match="expired"),
    ):
        tokens().read(token)


TOKEN = tokens().issue(LEARNER, ["grain-1"], lifetime=86_400)


def _by_hand(header: object, claims: object = (), signature: str = "") -> str:
    parts = [json.dumps(part).encode() for part in (header, claims)]
    return ".".join([*(base64.urlsafe_b64encode(p).decode().rstrip("=") for p in parts), signature])


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        "a.b.c",
        "é.è.à",
        "\x00",
        "a" * 9_000,
        _by_hand({"alg": "none", "kid": "new"}, {"sub": "x"}),
        _by_hand({"alg": "HS256", "kid": ["new"]}),
        _by_hand([]),
        base64.urlsafe_b64encode(b"[" * 6_000).decode() + ".e30.e30",
        forged(secret=OLD),
        forged(secret="x" * 40),
        forged({"kid": "unknown"}),
        forged({}),
        forged(aud="others"),
        forged(iss="others"),
        forged(origin="facebook"),
        forged(origin=["direct"]),
        forged(sub="no-uuid"),
        forged(sub=42),
        forged(exp=1),
        forged(exp="soon"),
        forged(exp=1e308),
        forged(exp=float("inf")),
        forged(iat=4_000_000_000),
        forged(grains="grain-1"),
        forged(grains=[1]),
        *(forged(**{name: None}) for name in ("aud", "iss", "sub", "origin", "iat", "exp")),
        jwt.encode({"sub": "x"}, NEW * 2, "HS512", headers={"kid": "new"}),
    ],
)
def test_other_tokens_are_refused_and_not_shown(token: str) -> None:
    with pytest.raises(InvalidToken) as error:
        tokens().read(token)
    shown = "".join(traceback.format_exception(error.value))
    assert not token or token not in shown
    assert LEARNER.external_user_id not in shown
    assert "no-uuid" not in str(error.value)


@hypothesis.settings(deadline=None)
@given(st.integers(0, 400), st.characters(min_codepoint=33, max_codepoint=126))
def test_changed_token_is_refused_or_says_the_same(place: int, character: str) -> None:
    token = TOKEN
    changed = token[: place % len(token)] + character + token[place % len(token) + 1 :]
    try:  # the last character of a part has bits that mean nothing
        assert tokens().read(changed) == tokens().read(token)
    except InvalidToken:
        assert changed != token


@pytest.mark.parametrize("lifetime", [0, -1, MAX_LIFETIME_SECONDS + 1, float("nan"), float("inf")])
def test_a_lifetime_out_of_range_is_refused(lifetime: float) -> None:
    with pytest.raises(ValueError, match="13 months"):
        tokens().issue(LEARNER, lifetime=lifetime)


def test_grains_must_be_ids_and_not_too_many() -> None:
    with pytest.raises(InvalidCompletion, match="grain_id"):
        tokens().issue(LEARNER, ["a\x00b"])
    with pytest.raises(TypeError):
        tokens().issue(LEARNER, "grain-1")
    with pytest.raises(ValueError, match="too long"):
        tokens().issue(LEARNER, [f"grain-{n:0200}" for n in range(100)])


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ([], "tokens: not a mapping"),
        ({}, "tokens.keys: not a list"),
        ({"keys": []}, "tokens.keys: not a list"),
        ({"keys": ["hush"]}, "tokens.keys[0]: not a mapping"),
        ({"keys": [{"id": "a", "secret": NEW, "x": 1}]}, "tokens.keys[0].x: no such setting"),
        ({"keys": [{"id": 2026, "secret": NEW}]}, "tokens.keys[0].id: not 1 to 64"),
        ({"keys": [{"id": "a"}]}, "tokens.keys[0].secret_file: missing"),
        ({"keys": [{"id": "a", "secret": "hush"}]}, "too short (at least 32 bytes)"),
        ({"keys": [{"id": "a", "secret_file": "/nowhere"}]}, "cannot read /nowhere"),
        ({"keys": [{"id": "a", "secret": NEW}] * 2}, "two keys have the same id"),
        ({"keys": [{"id": "a", "secret": NEW}], "audience": ""}, "tokens.audience: empty"),
    ],
)
def test_wrong_setting_is_named_without_its_secret(section: Any, words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Settings.from_mapping({"store": {"url": "memory:"}, "tokens": section})
    assert words in str(error.value)
    assert "hush" not in str(error.value)


def test_key_from_a_file_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(NEW + "\n")
    section = {"keys": [{"id": "new", "secret_file": str(tmp_path / "key")}]}
    found = Settings.from_mapping({"store": {"url": "memory:"}, "tokens": section})
    assert found.tokens
    assert Tokens(found.tokens).read(tokens().issue(LEARNER)).identity == LEARNER
    assert NEW not in repr(found)
