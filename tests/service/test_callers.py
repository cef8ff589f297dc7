"""Keys, tokens and guests: how one is let in, and what is told to whom."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import bridge
from bridge import ConfigurationError
from bridge.service.app import create_app
from bridge.service.auth.keys import read_keys
from tests.service.here import GUEST, SITE, Here, bearer, serving, settings


def test_a_server_key_is_told_what_it_may(here: Here) -> None:
    key = here.key(["moodle", "direct"], ["erase", "write"])
    assert here.client.get("/v1/key", headers=bearer(key)).json() == {
        "kind": "server",
        "name": "tests",
        "origins": ["moodle", "direct"],
        "rights": ["write", "erase"],
        "version": bridge.__version__,
    }


def test_a_learner_token_is_told_whom_it_is_for(here: Here) -> None:
    token = here.tokens.issue(GUEST, ["b", "a"])
    found = here.client.get("/v1/key", headers=bearer(token)).json()
    expires = datetime.fromisoformat(found.pop("expires_at"))
    assert timedelta(minutes=4) < expires - datetime.now(UTC) < timedelta(minutes=6)
    assert found == {
        "kind": "learner",
        "origin": "direct",
        "external_user_id": GUEST.external_user_id,
        "grains": ["a", "b"],
        "version": bridge.__version__,
    }


def test_who_brings_nothing_is_told_how_and_who_brings_nonsense_that_it_is(here: Here) -> None:
    challenge = 'Bearer realm="progress-bridge"'
    answer = here.client.get("/v1/key")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, challenge)
    for words in ("Bearer x", "Bearer pb_00000000_" + "x" * 43, "Bearer é"):
        answer = here.client.get("/v1/key", headers={"Authorization": words.encode()})
        challenged = answer.headers["www-authenticate"]
        assert (answer.status_code, challenged) == (401, f'{challenge}, error="invalid_token"')
    answer = here.client.get("/v1/key", headers={"Authorization": f"Basic {here.key()}"})
    assert answer.status_code == 401


def test_a_revoked_key_ends_and_the_others_go_on(here: Here) -> None:
    old, new = here.key(), here.key()
    here.write(read_keys(here.folder / "keys.yaml")[1:])
    assert here.client.get("/v1/key", headers=bearer(old)).status_code == 401
    assert here.client.get("/v1/key", headers=bearer(new)).status_code == 200


def test_a_new_guest_gets_a_token_for_themselves(here: Here) -> None:
    answer = here.client.post("/v1/guests", headers={"Origin": SITE})
    assert answer.status_code == 201
    assert answer.headers["access-control-allow-origin"] == SITE
    guest = answer.json()
    assert uuid.UUID(guest["external_user_id"]).version == 4
    expires = datetime.fromisoformat(guest["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=392) < expires < timedelta(days=394)
    assert here.post({"grain_id": "any"}, guest["token"]).status_code == 202
    other = here.client.post("/v1/guests", headers={"Origin": SITE}).json()
    assert other["external_user_id"] != guest["external_user_id"]


@pytest.mark.parametrize("origin", [None, "https://evil.example", SITE + ".evil.example", "null"])
def test_only_a_page_of_a_configured_site_makes_guests(here: Here, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    answer = here.client.post("/v1/guests", headers=headers)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_without_the_setting_there_are_no_guests(tmp_path: Path) -> None:
    with serving(tmp_path, {"service": {"guests": False}}) as here:
        answer = here.client.post("/v1/guests", headers={"Origin": SITE})
        assert answer.status_code == 404


def test_pages_of_configured_sites_alone_may_call(here: Here) -> None:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    ours = here.client.options("/v1/completions", headers=asked | {"Origin": SITE})
    assert ours.status_code == 200
    assert ours.headers["access-control-allow-origin"] == SITE
    assert "access-control-allow-credentials" not in ours.headers
    other = here.client.options(
        "/v1/completions", headers=asked | {"Origin": "https://evil.example"}
    )
    assert "access-control-allow-origin" not in other.headers
    refused = here.client.post("/v1/completions", headers={"Origin": SITE})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == SITE, "the page must see the problem"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outbox": None}, "no outbox: the service answers when a completion is on disk"),
        ({"tokens": None, "service": {"keys_file": None, "guests": False}}, "nobody could do"),
        ({"tokens": None}, "service.guests: guests need tokens.keys"),
        (
            {"tokens": {"keys": [{"id": "lms", "secret": "s" * 32, "origins": ["moodle"]}]}},
            "service.guests: guests need tokens.keys",
        ),
        ({"service": {"keys_file": "/nowhere"}}, "service.keys_file: /nowhere: No such file"),
    ],
)
def test_what_the_service_needs_and_lacks_is_said(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        create_app(settings(tmp_path, change))
    assert words in str(error.value)
