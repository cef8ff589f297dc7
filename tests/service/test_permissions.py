"""Who may do what: every route of the application × every kind of caller × whose learner it is.

The routes come from the application and the callers from the lists below, so what is added to
either is tested, or fails here until it is said what is to be expected.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
import time_machine
from starlette.routing import BaseRoute

from bridge import Identity
from bridge.model import Origin
from bridge.service.auth.keys import KeyRight, read_keys
from bridge.service.routes import documents
from bridge.tokens import Tokens
from tests.service.in_process import GUEST, SECRET, SITE, InProcessService, serving
from tests.unit.test_tokens import settings as token_settings

OWN = GUEST
OTHER = Identity("direct", "0b6c1c1e-3f1a-4a53-9f0e-2f6f2f3c9d11")
FOREIGN = Identity("moodle", 12345)
LEARNERS = {"own": OWN, "another's": OTHER, "of a foreign origin": FOREIGN}
GRAINS = ("named", "not named")

PUBLIC = {
    ("GET", "/healthz"): 200,
    ("GET", "/readyz"): 200,
    ("GET", "/metrics"): 200,
    ("GET", "/docs"): 200,
    ("GET", "/docs/start.js"): 200,
    ("GET", "/docs/{name}"): 404,
    ("GET", "/openapi.json"): 200,
    ("GET", "/bridge.js"): 200,
    ("POST", "/v1/guests"): 201,
}
ANSWERS = {
    ("POST", "/v1/completions"): 202,
    ("GET", "/v1/key"): 200,
    ("GET", "/v1/learners/{origin}/{external_user_id}/progress"): 200,
    ("GET", "/v1/learners/{origin}/{external_user_id}/export"): 200,
    ("PUT", "/v1/learners/{origin}/{external_user_id}"): 200,
    ("DELETE", "/v1/learners/{origin}/{external_user_id}"): 204,
}
NEEDS = {
    ("POST", "/v1/completions"): KeyRight.WRITE,
    ("GET", "/v1/learners/{origin}/{external_user_id}/progress"): KeyRight.READ,
    ("GET", "/v1/learners/{origin}/{external_user_id}/export"): KeyRight.READ,
    ("PUT", "/v1/learners/{origin}/{external_user_id}"): KeyRight.WRITE,
    ("DELETE", "/v1/learners/{origin}/{external_user_id}"): KeyRight.ERASE,
}
RIGHTS = [set(some) for n in range(1, 4) for some in itertools.combinations(KeyRight, n)]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessService]:
    with serving(tmp_path_factory.mktemp("service")) as running:
        yield running


def routes(service: InProcessService) -> set[tuple[str, str]]:
    """Return method and path of every route there is."""

    def walk(found: list[BaseRoute]) -> Iterator[tuple[str, str]]:
        for route in found:
            if included := getattr(route, "original_router", None):  # FastAPI's
                yield from walk(included.routes)
            for method in getattr(route, "methods", None) or ():
                yield method, route.path

    documented = {
        (method.upper(), path)
        for path, item in service.app.openapi()["paths"].items()
        for method in item
    }
    found = set(walk(service.app.router.routes)) | documented
    return {(method, path) for method, path in found if method != "HEAD"}


def strangers(service: InProcessService) -> dict[str, str | None]:
    """Return keys and tokens that prove nothing, by what is wrong with them."""
    with time_machine.travel("2026-01-31", tick=False):
        expired = service.tokens.issue(OWN)
    revoked = service.key()
    service.write([key for key in read_keys(service.folder / "keys.yaml") if key.id not in revoked])
    valid = service.key()
    foreign = Tokens(token_settings(("now", "another secret of thirty-two bytes or more")))
    claims = jwt.decode(service.tokens.issue(OWN), options={"verify_signature": False})
    return {
        "nobody": None,
        "garbage": "garbage",
        "an empty token": "",
        "an expired token": expired,
        "a token signed with a foreign key": foreign.issue(OWN),
        "a token for another audience": jwt.encode(
            claims | {"aud": "others"}, SECRET, headers={"kid": "now"}
        ),
        "an unsigned token": jwt.encode(claims, None, "none", headers={"kid": "now"}),
        "a revoked key": revoked,
        "a key with a wrong end": valid[:-1] + ("A" if valid[-1] != "A" else "B"),
        "a key's id alone": valid[:11],
    }


def ask(
    service: InProcessService,
    route: tuple[str, str],
    token: str | None,
    who: Identity,
    grain: str = "named",
) -> int:
    method, path = route
    url = path.format(origin=who.origin, external_user_id=who.external_user_id, name="x")
    body: Any = None
    if method == "POST":
        body = {
            "origin": who.origin,
            "external_user_id": who.external_user_id,
            "grain_id": grain,
        }
    headers = {"Origin": SITE} | (
        {"Authorization": f"Bearer {token}".strip()} if token is not None else {}
    )
    answer = service.client.request(method, url, json=body, headers=headers)
    if answer.status_code >= 400 and answer.status_code != 404:
        assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code


def check(expected: dict[Any, Callable[[], int] | int], found: dict[Any, int]) -> None:
    wrong = {
        case: (found[case], wanted) for case, wanted in expected.items() if found[case] != wanted
    }
    assert not wrong, f"found, expected: {wrong}"


def test_every_route_is_listed_as_public_or_guarded(service: InProcessService) -> None:
    assert routes(service) == PUBLIC.keys() | ANSWERS.keys()


def test_public_routes_answer_everybody_alike(service: InProcessService) -> None:
    (static := service.folder / "bridge.js").write_text("export {};")
    callers = strangers(service) | {"a key": service.key(), "a learner": service.tokens.issue(OWN)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "STATIC", static.parent)
        cases = list(itertools.product(PUBLIC, callers))
        found = {(r, c): ask(service, r, callers[c], OWN) for r, c in cases}
    check({(r, c): PUBLIC[r] for r, c in cases}, found)


def test_who_proves_nothing_gets_a_401_everywhere(service: InProcessService) -> None:
    service.bridge.store.learner(OWN)
    callers = strangers(service)
    cases = list(itertools.product(ANSWERS, callers, LEARNERS))
    found = {(r, c, w): ask(service, r, callers[c], LEARNERS[w]) for r, c, w in cases}
    check(dict.fromkeys(cases, 401), found)


@pytest.mark.parametrize("rights", RIGHTS, ids=lambda rights: "+".join(sorted(rights)))
@pytest.mark.parametrize("known", [True, False], ids=["known learners", "unknown learners"])
def test_key_works_only_for_its_rights_and_origins(
    service: InProcessService, rights: set[KeyRight], known: bool
) -> None:
    cases = list(itertools.product(ANSWERS, Origin, LEARNERS))
    keys = {origin: service.key([origin], rights) for origin in Origin}
    found, expected = {}, {}
    for route, origin, whose in cases:
        who = LEARNERS[whose]
        service.bridge.store.learner(who) if known else service.bridge.store.erase(who)
        case = (route, origin, whose)
        found[case] = ask(service, route, keys[origin], who)
        mine = who.origin == origin
        allowed = route[1] == "/v1/key" or (mine and NEEDS[route] in rights)
        answers = ANSWERS[route] if known or not route[1].endswith("/export") else 404
        expected[case] = answers if allowed else 403
    check(expected, found)


@pytest.mark.parametrize("known", [True, False], ids=["known learners", "unknown learners"])
@pytest.mark.parametrize("grains", [None, ["named"], []], ids=["any grain", "a grain", "no grain"])
def test_learner_token_reaches_only_its_own_record(
    service: InProcessService, grains: list[str] | None, known: bool
) -> None:
    token = service.tokens.issue(OWN, grains)
    found, expected = {}, {}
    for case in itertools.product(ANSWERS, LEARNERS, GRAINS):
        route, whose, grain = case
        who = LEARNERS[whose]
        service.bridge.store.learner(who) if known else service.bridge.store.erase(who)
        found[case] = ask(service, route, token, who, grain)
        good = grains is None or grain in grains
        allowed = {
            "/v1/key": True,
            "/v1/completions": who == OWN and good,
            "/v1/learners/{origin}/{external_user_id}/progress": who == OWN,
        }.get(route[1], False)
        expected[case] = ANSWERS[route] if allowed else 403
    check(expected, found)
