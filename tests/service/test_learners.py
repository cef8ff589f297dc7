"""/v1/learners/…: the record in pages, the learner's row, export and erasure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge import Completion, Identity, StoreMisconfigured, StoreUnavailable
from tests.service.here import GUEST, Here, bearer

ADA = Identity("moodle", 12345)
PATH = "/v1/learners/moodle/12345"
DAY = datetime(2026, 1, 31, 12, tzinfo=UTC)


def record(here: Here, *grains: str, who: Identity = ADA) -> None:
    days = (DAY + timedelta(days=n // 2) for n in range(len(grains)))
    here.bridge.store.record(
        [Completion(who, grain, "m", None, day) for grain, day in zip(grains, days, strict=True)]
    )


def get(here: Here, path: str, token: str = "") -> Any:
    return here.client.get(path, headers=bearer(token or here.key())).json()


def test_a_record_is_earliest_first_and_empty_for_a_learner_nobody_has_seen(here: Here) -> None:
    assert get(here, f"{PATH}/progress") == {"items": [], "next": None}
    record(here, "b", "a", "c")
    found = get(here, f"{PATH}/progress")
    assert [item["grain_id"] for item in found["items"]] == ["a", "b", "c"]
    assert found["next"] is None
    assert found["items"][0] == {
        "grain_id": "a",
        "module_id": "m",
        "sequence_id": None,
        "completed_at": "2026-01-31T12:00:00.000Z",
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 1000])
def test_pages_together_are_the_record(here: Here, limit: int) -> None:
    record(here, *(f"grain-{n}é" for n in range(10)))
    token, after, seen = here.key(), "", list[str]()
    for _ in range(10):
        page = get(here, f"{PATH}/progress?limit={limit}{after}", token)
        seen += [item["grain_id"] for item in page["items"]]
        if page["next"] is None:
            break
        assert len(page["items"]) == limit
        after = f"&after={page['next']}"
    assert seen == [f"grain-{n}é" for n in range(10)]


def test_pages_are_in_an_order_of_their_own(here: Here) -> None:
    """A store puts what names its module before what does not."""
    here.bridge.store.record(
        [Completion(ADA, "b", "m", None, DAY), Completion(ADA, "a", None, None, DAY)]
    )
    first = get(here, f"{PATH}/progress?limit=1")
    second = get(here, f"{PATH}/progress?limit=1&after={first['next']}")
    assert [item["grain_id"] for item in first["items"] + second["items"]] == ["a", "b"]


def test_what_is_recorded_between_two_pages_repeats_and_hides_nothing(here: Here) -> None:
    record(here, "b", "c", "d")
    page = get(here, f"{PATH}/progress?limit=2")
    record(here, "a")
    here.bridge.store.record([Completion(ADA, "e", completed_at=DAY + timedelta(days=9))])
    rest = get(here, f"{PATH}/progress?limit=2&after={page['next']}")
    seen = [item["grain_id"] for item in page["items"] + rest["items"]]
    assert seen == ["b", "c", "d", "e"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "after=x", "after=é", "after=W10", "after=WzEsMl0"],
)
def test_a_query_that_makes_no_sense_is_a_422(here: Here, query: str) -> None:
    answer = here.client.get(f"{PATH}/progress?{query}", headers=bearer(here.key()))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_learner_reads_their_own_grains(here: Here) -> None:
    record(here, "a", "b", who=GUEST)
    path = f"/v1/learners/direct/{GUEST.external_user_id.upper()}/progress"
    assert len(get(here, path, here.tokens.issue(GUEST))["items"]) == 2
    (item,) = get(here, path, here.tokens.issue(GUEST, ["b", "z"]))["items"]
    assert item["grain_id"] == "b"


def test_a_learners_row_is_made_once(here: Here) -> None:
    answers = [
        here.client.put(PATH, headers=bearer(here.key())),
        here.client.put(PATH, headers=bearer(here.key()), json={}),
        here.client.put(PATH, headers=bearer(here.key()), json={"email": "ada@example.org"}),
    ]
    assert {answer.status_code for answer in answers} == {200}
    (row,) = {answer.text for answer in answers}
    assert answers[0].json().keys() == {"origin", "external_user_id", "date_creation"}
    assert "ada" not in row


@pytest.mark.parametrize("body", [[], "x", 5, {"mail": "x"}, {"email": "x"}, {"email": 5}])
def test_a_body_that_is_no_learners_is_a_422(here: Here, body: Any) -> None:
    answer = here.client.put(PATH, headers=bearer(here.key()), json=body)
    assert answer.status_code == 422
    assert get(here, f"{PATH}/export")["status"] == 404


def test_a_learners_data_can_be_had_and_erased_with_what_waits(here: Here) -> None:
    key = here.key()
    record(here, "a")
    here.post({"origin": "moodle", "external_user_id": 12345, "grain_id": "b"}, key)
    found = get(here, f"{PATH}/export", key)
    assert found["learner"]["external_user_id"] == "12345"
    assert [row["grain_id"] for row in found["progress"]] == ["a"]
    for _ in range(2):
        answer = here.client.delete(PATH, headers=bearer(key))
        assert (answer.status_code, answer.content) == (204, b"")
    assert here.client.get(f"{PATH}/export", headers=bearer(key)).status_code == 404
    assert here.waiting() == 0


def test_a_learner_who_is_being_delivered_cannot_be_erased_just_yet(here: Here) -> None:
    key = here.key()
    record(here, "a")
    here.post({"origin": "moodle", "external_user_id": 12345, "grain_id": "b"}, key)
    assert here.bridge.outbox
    leased = here.bridge.outbox.lease(1, 60)
    answer = here.client.delete(PATH, headers=bearer(key))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "being delivered" in answer.json()["detail"]
    here.bridge.store.record([leased[0].completion])
    here.bridge.outbox.done(leased)
    assert here.client.delete(PATH, headers=bearer(key)).status_code == 204
    assert here.client.get(f"{PATH}/export", headers=bearer(key)).status_code == 404


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
def test_an_id_that_breaks_a_rule_is_a_422_that_names_the_rule(here: Here, path: str) -> None:
    answer = here.client.get(f"/v1/learners/{path}/progress", headers=bearer(here.key()))
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "external_user_id"
    assert error["rule"]


def test_to_who_is_not_for_the_origin_an_id_that_breaks_a_rule_is_a_403(here: Here) -> None:
    key = here.key(origins=["direct"])
    for path in ("moodle/0", "moodle/1", "facebook/1"):
        answer = here.client.get(f"/v1/learners/{path}/progress", headers=bearer(key))
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
def test_a_store_that_cannot_be_used_is_a_503_that_tells_no_detail(
    here: Here, method: str, path: str, error: Exception, wait: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    for name in ("progress", "export", "learner", "erase"):
        monkeypatch.setattr(here.bridge.store, name, fail)
    answer = here.client.request(method, path, headers=bearer(here.key()))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == str(wait)
    assert "hush" not in answer.text
