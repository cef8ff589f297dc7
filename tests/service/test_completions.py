"""POST /v1/completions: what is accepted, what is refused and how it is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge import Completion, Identity
from tests.service.in_process import GUEST, InProcessService

ONE = {"origin": "moodle", "external_user_id": 12345, "grain_id": "grain-1"}


def leased(service: InProcessService) -> list[Completion]:
    assert service.bridge.outbox
    return [item.completion for item in service.bridge.outbox.lease(5_000, 60)]


def test_accepted_completion_waits_in_the_outbox(service: InProcessService) -> None:
    more = {"module_id": "m", "sequence_id": "s", "completed_at": "2026-01-31T12:00:00+01:00"}
    answer = service.post(ONE | more, service.key())
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 1, "refused": 0, "results": [{"status": "accepted"}]}
    (completion,) = leased(service)
    instant = datetime(2026, 1, 31, 11, tzinfo=UTC)
    assert completion == Completion(Identity("moodle", 12345), "grain-1", "m", "s", instant)


def test_without_an_instant_it_is_now(service: InProcessService) -> None:
    service.post(ONE | {"completed_at": None, "module_id": None}, service.key())
    (completion,) = leased(service)
    assert datetime.now(UTC) - completion.completed_at < timedelta(seconds=30)


def test_request_holds_at_most_a_thousand_completions(service: InProcessService) -> None:
    key = service.key()
    assert service.post([ONE] * 1_000, key).json()["accepted"] == 1_000
    for body in ([ONE] * 1_001, [ONE] * 10_000, []):
        answer = service.post(body, key)
        assert (answer.status_code, answer.json()["status"]) == (422, 422)
        assert "not 1 to 1,000" in answer.json()["detail"]
    assert service.waiting() == 1_000


def test_each_item_has_its_result_in_order(service: InProcessService) -> None:
    items = [ONE, ONE | {"external_user_id": 0}, ONE | {"grain_id": "grain-2"}]
    answer = service.post(items, service.key())
    assert answer.status_code == 207
    assert answer.json() == {
        "accepted": 2,
        "refused": 1,
        "results": [
            {"status": "accepted"},
            {
                "status": "refused",
                "field": "external_user_id",
                "rule": "not positive",
                "value": "0",
                "code": "not_positive",
            },
            {"status": "accepted"},
        ],
    }
    assert service.waiting() == 2


@pytest.mark.parametrize(
    ("item", "field", "rule"),
    [
        ([], "", "not an object"),
        ("grain-1", "", "not an object"),
        (None, "", "not an object"),
        (ONE | {"grain": "g"}, "grain", "no such field"),
        (ONE | {"a\nb" * 99: "g"}, ("a\\nb" * 99)[:78], "no such field"),
        ({}, "origin", "unknown origin (one of moodle, funmooc, direct)"),
        (ONE | {"origin": "facebook"}, "origin", "unknown origin (one of moodle, funmooc, direct)"),
        (ONE | {"origin": ["moodle"]}, "origin", "unknown origin (one of moodle, funmooc, direct)"),
        (ONE | {"external_user_id": None}, "external_user_id", "missing"),
        (ONE | {"external_user_id": True}, "external_user_id", "not an integer"),
        (ONE | {"external_user_id": 1.0}, "external_user_id", "not an integer"),
        (ONE | {"external_user_id": {}}, "external_user_id", "not a string"),
        (ONE | {"external_user_id": 2**63}, "external_user_id", "too large (at most 2^63-1)"),
        (ONE | {"external_user_id": 10**30}, "external_user_id", "not an integer"),
        (ONE | {"external_user_id": "9" * 9999}, "external_user_id", "too large (at most 2^63-1)"),
        ({"origin": "direct", "external_user_id": 5}, "external_user_id", "not a string"),
        (ONE | {"grain_id": None}, "grain_id", "missing"),
        (ONE | {"grain_id": 7}, "grain_id", "not a string"),
        (ONE | {"grain_id": "a\x00b"}, "grain_id", "a character is not printable"),
        (ONE | {"module_id": "m" * 256}, "module_id", "too long (at most 255 characters)"),
        (ONE | {"sequence_id": ""}, "sequence_id", "empty"),
        (ONE | {"completed_at": 1769860800}, "completed_at", "not an instant (RFC 3339)"),
        (ONE | {"completed_at": "yesterday"}, "completed_at", "not an instant (RFC 3339)"),
        (ONE | {"completed_at": "2026-02-30T12:00:00Z"}, "completed_at", "no such instant"),
        (ONE | {"completed_at": "2026-01-31T12:00:00"}, "completed_at", "naive (no time zone)"),
        (ONE | {"completed_at": "1999-01-31T12:00:00Z"}, "completed_at", "before 2000"),
        (
            ONE | {"completed_at": "9999-12-31T23:59:59-23:59"},
            "completed_at",
            "more than 5 minutes ahead",
        ),
        (ONE | {"email": "nobody"}, "email", "not an e-mail address"),
    ],
)
def test_refused_item_names_the_rule_it_breaks(
    service: InProcessService, item: Any, field: str, rule: str
) -> None:
    answer = service.post([item], service.key())
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/json"
    (result,) = answer.json()["results"]
    assert (result["field"], result["rule"]) == (field, rule)
    assert len(result["value"]) <= 81
    assert service.waiting() == 0


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ([], "not_an_object"),
        (ONE | {"grain": "g"}, "unknown_field"),
        (ONE | {"external_user_id": 0}, "not_positive"),
        (ONE | {"completed_at": "yesterday"}, "not_an_instant"),
        (ONE | {"completed_at": "2026-02-30T12:00:00Z"}, "no_such_instant"),
        (ONE | {"completed_at": "1970-01-01T00:00:00Z"}, "before_2000"),
    ],
)
def test_refused_item_has_the_code_of_its_rule(
    service: InProcessService, item: Any, code: str
) -> None:
    (result,) = service.post([item], service.key()).json()["results"]
    assert result["code"] == code
    assert "retry_after" not in result


def test_item_too_far_ahead_says_when_to_retry(service: InProcessService) -> None:
    ahead = datetime.now(UTC) + timedelta(minutes=6)
    item = ONE | {"completed_at": ahead.isoformat()}
    (result,) = service.post([item], service.key()).json()["results"]
    assert result["code"] == "too_far_ahead"
    assert 1 <= result["retry_after"] <= 60


def test_instants_are_read_as_rfc_3339_writes_them(service: InProcessService) -> None:
    written = [
        "2026-01-31T12:00:00.123456789Z",
        "2026-01-31t12:00:00z",
        "2026-01-31 13:00:00+01:00",
    ]
    service.post([ONE | {"completed_at": text} for text in written], service.key())
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert [completion.completed_at for completion in leased(service)] == [
        noon.replace(microsecond=123_000),
        noon,
        noon,
    ]


def test_last_of_a_repeated_field_counts(service: InProcessService) -> None:
    content = b'{"origin":"moodle","external_user_id":5,"grain_id":"a","grain_id":"b"}'
    headers = {"Authorization": f"Bearer {service.key()}", "Content-Type": "application/json"}
    service.client.post("/v1/completions", content=content, headers=headers)
    assert [completion.grain_id for completion in leased(service)] == ["b"]


def test_one_item_of_foreign_origin_refuses_the_request(service: InProcessService) -> None:
    key = service.key(origins=["moodle"])
    foreign = {"origin": "funmooc", "external_user_id": "a" * 32, "grain_id": "g"}
    answer = service.post([ONE, foreign, {"grain_id": 5}], key)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert service.waiting() == 0


def test_a_learner_need_not_say_who_they_are(service: InProcessService) -> None:
    token = service.tokens.issue(GUEST, ["grain-1"])
    named = {"origin": "direct", "external_user_id": GUEST.external_user_id.upper()}
    answer = service.post([{"grain_id": "grain-1"}, named | {"grain_id": " grain-1 "}], token)
    assert answer.status_code == 202
    assert {completion.identity for completion in leased(service)} == {GUEST}


@pytest.mark.parametrize(
    "item",
    [
        {"grain_id": "grain-2"},
        {"grain_id": "grain-1", "origin": "moodle", "external_user_id": 5},
        {"grain_id": "grain-1", "external_user_id": "0b6c1c1e-3f1a-4a53-9f0e-2f6f2f3c9d11"},
    ],
)
def test_learner_token_records_its_learner_and_grains_only(
    service: InProcessService, item: Any
) -> None:
    answer = service.post([{"grain_id": "grain-1"}, item], service.tokens.issue(GUEST, ["grain-1"]))
    assert answer.status_code == 403
    assert service.waiting() == 0


def test_learner_token_cannot_set_an_email_address(service: InProcessService) -> None:
    token = service.tokens.issue(GUEST)
    items = [{"grain_id": "a", "email": "ada@example.org"}, {"grain_id": "b", "email": None}]
    answer = service.post(items, token)
    assert answer.status_code == 207
    refused, accepted = answer.json()["results"]
    assert (refused["field"], refused["rule"]) == ("email", "only with a server key")
    assert "ada" not in answer.text
    assert accepted == {"status": "accepted"}


def test_unavailable_outbox_is_a_503_and_accepts_nothing(service: InProcessService) -> None:
    key = service.key()
    (service.folder / "outbox.db").mkdir()
    answer = service.post(ONE, key)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["detail"] == "nothing is accepted now; send it again later"
    assert str(service.folder) not in answer.text
    (service.folder / "outbox.db").rmdir()
    assert service.post(ONE, key).status_code == 202
