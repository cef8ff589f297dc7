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
from tests.service.in_process import GUEST, SITE, InProcessService, bearer, serving, settings


def test_a_server_key_is_told_what_it_may(service: InProcessService) -> None:
    key = service.key(["moodle", "direct"], ["erase", "write"])
    assert service.client.get("/v1/key", headers=bearer(key)).json() == {
        "kind": "server",
        "name": "tests",
        "origins": ["moodle", "direct"],
        "rights": ["write", "erase"],
        "version": bridge.__version__,
    }


def test_learner_token_is_told_its_learner(service: InProcessService) -> None:
    token = service.tokens.issue(GUEST, ["b", "a"])
    found = service.client.get("/v1/key", headers=bearer(token)).json()
    expires = datetime.fromisoformat(found.pop("expires_at"))
    assert timedelta(minutes=4) < expires - datetime.now(UTC) < timedelta(minutes=6)
    assert found == {
        "kind": "learner",
        "origin": "direct",
        "external_user_id": GUEST.external_user_id,
        "grains": ["a", "b"],
        "version": bridge.__version__,
    }


def test_missing_and_invalid_credentials_are_told_apart(service: InProcessService) -> None:
    challenge = 'Bearer realm="progress-bridge"'
    answer = service.client.get("/v1/key")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, challenge)
    for words in ("Bearer x", "Bearer pb_00000000_" + "x" * 43, "Bearer é"):
        answer = service.client.get("/v1/key", headers={"Authorization": words.encode()})
        challenged = answer.headers["www-authenticate"]
        assert (answer.status_code, challenged) == (401, f'{challenge}, error="invalid_token"')
    answer = service.client.get("/v1/key", headers={"Authorization": f"Basic {service.key()}"})
    assert answer.status_code == 401


def test_revoked_key_ends_and_others_go_on(service: InProcessService) -> None:
    old, new = service.key(), service.key()
    service.write(read_keys(service.folder / "keys.yaml")[1:])
    assert service.client.get("/v1/key", headers=bearer(old)).status_code == 401
    assert service.client.get("/v1/key", headers=bearer(new)).status_code == 200


def test_a_new_guest_gets_a_token_for_themselves(service: InProcessService) -> None:
    answer = service.client.post("/v1/guests", headers={"Origin": SITE})
    assert answer.status_code == 201
    assert answer.headers["access-control-allow-origin"] == SITE
    guest = answer.json()
    assert uuid.UUID(guest["external_user_id"]).version == 4
    expires = datetime.fromisoformat(guest["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=392) < expires < timedelta(days=394)
    assert service.post({"grain_id": "any"}, guest["token"]).status_code == 202
    other = service.client.post("/v1/guests", headers={"Origin": SITE}).json()
    assert other["external_user_id"] != guest["external_user_id"]


@pytest.mark.parametrize("origin", [None, "https://evil.example", SITE + ".evil.example", "null"])
def test_only_pages_of_configured_sites_make_guests(
    service: InProcessService, origin: str | None
) -> None:
    headers = {"Origin": origin} if origin else {}
    answer = service.client.post("/v1/guests", headers=headers)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_without_the_setting_there_are_no_guests(tmp_path: Path) -> None:
    with serving(tmp_path, {"service": {"guests": False}}) as service:
        answer = service.client.post("/v1/guests", headers={"Origin": SITE})
        assert answer.status_code == 404


def test_pages_of_configured_sites_alone_may_call(service: InProcessService) -> None:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    ours = service.client.options("/v1/completions", headers=asked | {"Origin": SITE})
    assert ours.status_code == 200
    assert ours.headers["access-control-allow-origin"] == SITE
    assert "access-control-allow-credentials" not in ours.headers
    other = service.client.options(
        "/v1/completions", headers=asked | {"Origin": "https://evil.example"}
    )
    assert "access-control-allow-origin" not in other.headers
    refused = service.client.post("/v1/completions", headers={"Origin": SITE})
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
        (
            {"service": {"keys_file": "/nowhere"}},
            "service.keys_file: /nowhere: there is no file /nowhere",
        ),
    ],
)
def test_what_the_service_needs_and_lacks_is_said(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        create_app(settings(tmp_path, change))
    assert words in str(error.value)
