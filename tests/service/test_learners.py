"""/v1/learners/…: the record in pages, the learner's row, export and erasure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge import Completion, Identity, StoreMisconfigured, StoreUnavailable
from tests.service.in_process import GUEST, InProcessService, bearer

ADA = Identity("moodle", 12345)
PATH = "/v1/learners/moodle/12345"
DAY = datetime(2026, 1, 31, 12, tzinfo=UTC)


def record(service: InProcessService, *grains: str, who: Identity = ADA) -> None:
    days = (DAY + timedelta(days=n // 2) for n in range(len(grains)))
    service.bridge.store.record(
        [Completion(who, grain, "m", None, day) for grain, day in zip(grains, days, strict=True)]
    )


def get(service: InProcessService, path: str, token: str = "") -> Any:
    return service.client.get(path, headers=bearer(token or service.key())).json()


def test_record_is_earliest_first_and_empty_for_strangers(service: InProcessService) -> None:
    assert get(service, f"{PATH}/progress") == {"items": [], "next": None}
    record(service, "b", "a", "c")
    found = get(service, f"{PATH}/progress")
    assert [item["grain_id"] for item in found["items"]] == ["a", "b", "c"]
    assert found["next"] is None
    assert found["items"][0] == {
        "grain_id": "a",
        "module_id": "m",
        "sequence_id": None,
        "completed_at": "2026-01-31T12:00:00.000Z",
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 1000])
def test_pages_together_are_the_record(service: InProcessService, limit: int) -> None:
    record(service, *(f"grain-{n}é" for n in range(10)))
    token, after, seen = service.key(), "", list[str]()
    for _ in range(10):
        page = get(service, f"{PATH}/progress?limit={limit}{after}", token)
        seen += [item["grain_id"] for item in page["items"]]
        if page["next"] is None:
            break
        assert len(page["items"]) == limit
        after = f"&after={page['next']}"
    assert seen == [f"grain-{n}é" for n in range(10)]


def test_pages_are_in_an_order_of_their_own(service: InProcessService) -> None:
    """A store puts what names its module before what does not."""
    service.bridge.store.record(
        [Completion(ADA, "b", "m", None, DAY), Completion(ADA, "a", None, None, DAY)]
    )
    first = get(service, f"{PATH}/progress?limit=1")
    second = get(service, f"{PATH}/progress?limit=1&after={first['next']}")
    assert [item["grain_id"] for item in first["items"] + second["items"]] == ["a", "b"]


def test_recording_between_pages_repeats_and_hides_nothing(service: InProcessService) -> None:
    record(service, "b", "c", "d")
    page = get(service, f"{PATH}/progress?limit=2")
    record(service, "a")
    service.bridge.store.record([Completion(ADA, "e", completed_at=DAY + timedelta(days=9))])
    rest = get(service, f"{PATH}/progress?limit=2&after={page['next']}")
    seen = [item["grain_id"] for item in page["items"] + rest["items"]]
    assert seen == ["b", "c", "d", "e"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "after=x", "after=é", "after=W10", "after=WzEsMl0"],
)
def test_wrong_query_is_a_422(service: InProcessService, query: str) -> None:
    answer = service.client.get(f"{PATH}/progress?{query}", headers=bearer(service.key()))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_learner_reads_their_own_grains(service: InProcessService) -> None:
    record(service, "a", "b", who=GUEST)
    path = f"/v1/learners/direct/{GUEST.external_user_id.upper()}/progress"
    assert len(get(service, path, service.tokens.issue(GUEST))["items"]) == 2
    (item,) = get(service, path, service.tokens.issue(GUEST, ["b", "z"]))["items"]
    assert item["grain_id"] == "b"


def test_a_learners_row_is_made_once(service: InProcessService) -> None:
    answers = [
        service.client.put(PATH, headers=bearer(service.key())),
        service.client.put(PATH, headers=bearer(service.key()), json={}),
        service.client.put(PATH, headers=bearer(service.key()), json={"email": "ada@example.org"}),
    ]
    assert {answer.status_code for answer in answers} == {200}
    (row,) = {answer.text for answer in answers}
    assert answers[0].json().keys() == {"origin", "external_user_id", "date_creation"}
    assert "ada" not in row


@pytest.mark.parametrize("body", [[], "x", 5, {"mail": "x"}, {"email": "x"}, {"email": 5}])
def test_wrong_learner_body_is_a_422(service: InProcessService, body: Any) -> None:
    answer = service.client.put(PATH, headers=bearer(service.key()), json=body)
    assert answer.status_code == 422
    assert get(service, f"{PATH}/export")["status"] == 404


def test_learner_is_exported_and_erased_with_waiting_completions(service: InProcessService) -> None:
    key = service.key()
    record(service, "a")
    service.post({"origin": "moodle", "external_user_id": 12345, "grain_id": "b"}, key)
    found = get(service, f"{PATH}/export", key)
    assert found["learner"]["external_user_id"] == "12345"
    assert [row["grain_id"] for row in found["progress"]] == ["a"]
    for _ in range(2):
        answer = service.client.delete(PATH, headers=bearer(key))
        assert (answer.status_code, answer.content) == (204, b"")
    assert service.client.get(f"{PATH}/export", headers=bearer(key)).status_code == 404
    assert service.waiting() == 0


def test_erasure_waits_for_the_learners_delivery(service: InProcessService) -> None:
    key = service.key()
    record(service, "a")
    service.post({"origin": "moodle", "external_user_id": 12345, "grain_id": "b"}, key)
    assert service.bridge.outbox
    leased = service.bridge.outbox.lease(1, 60)
    answer = service.client.delete(PATH, headers=bearer(key))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "being delivered" in answer.json()["detail"]
    service.bridge.store.record([leased[0].completion])
    service.bridge.outbox.done(leased)
    assert service.client.delete(PATH, headers=bearer(key)).status_code == 204
    assert service.client.get(f"{PATH}/export", headers=bearer(key)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "moodle/0",
        "moodle/x",
        "direct/5",
        "funmooc/student",
        "moodle/%00",
        "moodle/%ff",
        "moodle/%2e%2e",
    ],
)
def test_wrong_id_is_a_422_naming_the_rule(service: InProcessService, path: str) -> None:
    answer = service.client.get(f"/v1/learners/{path}/progress", headers=bearer(service.key()))
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "external_user_id"
    assert error["rule"]


def test_wrong_id_of_foreign_origin_is_a_403(service: InProcessService) -> None:
    key = service.key(origins=["direct"])
    for path in ("moodle/0", "moodle/1", "facebook/1"):
        answer = service.client.get(f"/v1/learners/{path}/progress", headers=bearer(key))
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", f"{PATH}/progress"), ("GET", f"{PATH}/export"), ("PUT", PATH), ("DELETE", PATH)],
)
@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (StoreUnavailable("https://hush: refused"), 5),
        (StoreUnavailable("https://hush: asked to wait", 6.2), 7),
        (StoreUnavailable("https://hush: asked to wait", 9e9), 600),
        (StoreMisconfigured("https://hush: the token is not valid"), 60),
    ],
)
def test_unusable_store_is_a_503_without_details(
    service: InProcessService,
    method: str,
    path: str,
    error: Exception,
    wait: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise error

    for name in ("progress", "export", "learner", "erase"):
        monkeypatch.setattr(service.bridge.store, name, fail)
    answer = service.client.request(method, path, headers=bearer(service.key()))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == str(wait)
    assert "hush" not in answer.text
