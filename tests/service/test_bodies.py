"""Bodies that are too large, too deep, too slow or no JSON: a 4xx problem, and nothing written."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from bridge.service.http import bodies
from tests.service.in_process import InProcessService, bearer

ONE = b'{"origin":"moodle","external_user_id":5,"grain_id":"g"}'
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("status", "content", "headers"),
    [
        (400, b"", JSON),
        (400, b"{", JSON),
        (400, ONE + b"x", JSON),
        (400, b'{"grain_id": "\xff"}', JSON),
        (400, b'{"grain_id": "\\ud800"}', JSON),
        (400, b'{"grain_id": NaN}', JSON),
        (400, b"[" * 500_000 + b"]" * 500_000, JSON),
        (400, b'{"a":' * 100_000 + b"1" + b"}" * 100_000, JSON),
        (422, b"null", JSON),
        (422, b"5", JSON),
        (422, b'"text"', JSON),
        (422, b"[[[[[[]]]]]]", JSON),
        (400, b"1" * 1_000_000, JSON),
        (413, b" " * bodies.MAX_BODY_BYTES + ONE, JSON),
        (413, b"[" + b",".join([ONE] * 20_000) + b"]", JSON),
        (415, ONE, {"Content-Type": "text/plain"}),
        (415, ONE, {"Content-Type": "application/x-www-form-urlencoded"}),
        (415, gzip.compress(b" " * 10_000_000 + ONE, mtime=0), JSON | {"Content-Encoding": "gzip"}),
    ],
    ids=lambda value: str(value)[:20],
)
def test_bad_body_is_a_problem_and_writes_nothing(
    service: InProcessService, status: int, content: bytes, headers: dict[str, str]
) -> None:
    headers = headers | bearer(service.key())
    answer = service.client.post("/v1/completions", content=content, headers=headers)
    assert answer.status_code == status
    if content != b"[[[[[[]]]]]]":
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
    assert service.waiting() == 0


def test_endless_body_is_read_no_further_than_allowed(service: InProcessService) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 100_000
            yield b" " * 100_000

    headers = JSON | bearer(service.key())
    answer = service.client.post("/v1/completions", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert sent < 50_000_000


def test_a_largest_body_is_taken(service: InProcessService) -> None:
    content = ONE + b" " * (bodies.MAX_BODY_BYTES - len(ONE))
    headers = JSON | bearer(service.key())
    assert service.client.post("/v1/completions", content=content, headers=headers).is_success


def test_body_that_never_arrives_times_out(
    service: InProcessService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_SECONDS", 0.2)
    answer = _send(service, content_length=100, body=ONE)
    assert answer.startswith(b"HTTP/1.1 408")


def test_a_caller_that_hangs_up_leaves_nothing_behind(service: InProcessService) -> None:
    _send(service, content_length=100, body=ONE, wait=False)
    assert service.client.get("/healthz").is_success
    assert service.waiting() == 0


@pytest.mark.parametrize("length", ["-1", "x", "1" * 400, "1, 2"])
def test_a_length_that_is_none_is_a_4xx(service: InProcessService, length: str) -> None:
    assert _send(service, content_length=length, body=ONE).startswith(b"HTTP/1.1 4")


def test_problem_says_the_mistake_and_repeats_nothing(service: InProcessService) -> None:
    answer = service.client.post(
        "/v1/completions",
        content=b'{"email": "ada@example.org"',
        headers=JSON | bearer(service.key()),
    )
    assert json.loads(answer.content) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "the body is not JSON in UTF-8",
    }


@pytest.mark.parametrize("body", [b"[" * 65, b'{"a":' * 65, b"[" * 500_000])
def test_too_deep_a_body_is_told_the_bound(service: InProcessService, body: bytes) -> None:
    answer = service.client.post(
        "/v1/completions", content=body, headers=JSON | bearer(service.key())
    )
    assert answer.status_code == 400
    assert answer.json()["detail"] == "the body is nested more than 64 levels deep"


def _send(
    service: InProcessService, *, content_length: int | str, body: bytes, wait: bool = True
) -> bytes:
    """Send a request by hand, and return what is answered."""
    url = urlsplit(service.url)
    head = (
        f"POST /v1/completions HTTP/1.1\r\nHost: {url.hostname}\r\n"
        f"Authorization: Bearer {service.key()}\r\nContent-Length: {content_length}\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port), timeout=20) as connection:
        connection.sendall(head.encode() + body)
        return connection.recv(65_536) if wait else b""
