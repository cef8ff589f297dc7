"""What operators see: health, readiness, metrics, the log, the headers, the documentation page."""

from __future__ import annotations

import logging
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.support.ui import WebDriverWait

from bridge import StoreMisconfigured, StoreUnavailable
from bridge.model import Progress
from bridge.service import readiness
from bridge.service.app import STORE_THREADS
from bridge.service.routes import callers, completions, documents, learners, operations
from tests.service.in_process import GUEST, SITE, InProcessService, bearer, serving

ONE = {"origin": "moodle", "external_user_id": 98765432101, "grain_id": "g"}


def test_the_process_is_healthy_whatever_else_is_not(service: InProcessService) -> None:
    (service.folder / "outbox.db").mkdir()
    assert service.client.get("/healthz").json() == {"status": "ok"}


def test_it_is_ready_when_the_outbox_takes_writes(service: InProcessService) -> None:
    answer = service.client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"outbox": "available", "store": "available"}


def test_service_is_unready_when_the_outbox_takes_nothing(service: InProcessService) -> None:
    (service.folder / "outbox.db").mkdir()
    answer = service.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["outbox"].startswith("unavailable: it takes no completions")
    assert str(service.folder) not in answer.text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StoreUnavailable("https://hush: refused"), "unavailable: completions wait"),
        (StoreMisconfigured("https://hush: token"), "misconfigured: completions wait"),
    ],
)
def test_readiness_tells_a_down_store_and_asks_rarely(
    service: InProcessService, error: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    def fail(_: object) -> None:
        nonlocal asked
        asked += 1
        raise error

    monkeypatch.setattr(service.bridge.store, "progress", fail)
    for _ in range(3):
        answer = service.client.get("/readyz")
        assert answer.status_code == 200
        assert answer.json()["store"].startswith(words)
        assert "hush" not in answer.text
    assert asked == 1


def test_hanging_store_does_not_hang_the_probe(
    service: InProcessService, monkeypatch: pytest.MonkeyPatch
) -> None:
    let = threading.Event()
    monkeypatch.setattr(service.bridge.store, "progress", lambda _: let.wait(60) and [])
    monkeypatch.setattr(readiness, "PROBE_TIMEOUT_SECONDS", 0.1)
    for _ in range(2):
        assert (
            service.client.get("/readyz").json()["store"] == "unavailable: no answer within 0.1 s"
        )
    let.set()


def test_hanging_store_blocks_neither_probes_nor_completions(
    service: InProcessService, monkeypatch: pytest.MonkeyPatch
) -> None:
    let, asked = threading.Event(), threading.Semaphore(0)

    def hang(_: object) -> list[Progress]:
        asked.release()
        let.wait(60)
        return []

    monkeypatch.setattr(service.bridge.store, "progress", hang)
    monkeypatch.setattr(readiness, "PROBE_TIMEOUT_SECONDS", 4.0)
    key = service.key()

    def ask() -> None:
        with httpx.Client(base_url=service.url, headers=bearer(key), timeout=60) as client:
            client.get("/v1/learners/moodle/5/progress")

    with ThreadPoolExecutor(STORE_THREADS + 6) as pool:
        for _ in range(STORE_THREADS + 6):
            pool.submit(ask)
        for _ in range(STORE_THREADS):
            assert asked.acquire(timeout=60)
        try:
            ready = service.client.get("/readyz")
            assert (ready.status_code, ready.json()["outbox"]) == (200, "available")
            assert service.client.get("/metrics").status_code == 200
            assert service.post(ONE, key).status_code == 202
        finally:
            let.set()


def test_metrics_count_requests_and_describe_the_outbox(service: InProcessService) -> None:
    def count(text: str) -> float:
        found = re.search(rf"^{re.escape(text)} (\S+)$", service.client.get("/metrics").text, re.M)
        return float(found[1]) if found else 0.0

    series = "progress_bridge_http_requests_total{"
    series += 'method="DELETE",route="/v1/learners/{origin}/{external_user_id}",status="204"}'
    refused = count("progress_bridge_http_refused_total")
    before = count(series), count("progress_bridge_accepted_total")
    service.post([ONE, {}, ONE], service.key())
    service.client.delete(
        "/v1/learners/direct/" + GUEST.external_user_id, headers=bearer(service.key())
    )
    after = count(series), count("progress_bridge_accepted_total")
    assert (after[0] - before[0], after[1] - before[1]) == (1, 2)
    assert count("progress_bridge_http_refused_total") - refused == 1
    assert count("progress_bridge_backlog") == 2


def test_log_holds_no_id_address_or_token(
    service: InProcessService, caplog: pytest.LogCaptureFixture
) -> None:
    key, token = service.key(), service.tokens.issue(GUEST)
    who = ONE["external_user_id"]
    with caplog.at_level(logging.DEBUG):
        service.post(ONE | {"email": "ada@example.org"}, key)
        service.post([ONE | {"email": "ada@example"}, ONE | {"grain_id": 5}], key)
        service.post({"grain_id": "g"}, token)
        for path in (f"moodle/{who}", f"direct/{GUEST.external_user_id}", f"funmooc/{who}"):
            for end in ("/progress", "/export", ""):
                for caller in (key, token, "guess" + token):
                    url = f"/v1/learners/{path}{end}?email=ada@example.org&token={token}"
                    service.client.get(url, headers=bearer(caller))
                    service.client.delete(url, headers=bearer(caller))
        service.client.get(f"/nothing/{who}?token={token}")
    ours = "\n".join(
        f"{r.name} {r.getMessage()}" for r in caplog.records if not r.name.startswith("http")
    )
    assert ours.count("route=/v1/completions status=202") == 2
    for secret in (str(who), GUEST.external_user_id, "ada@", token, token[-20:], key, key[-20:]):
        assert secret not in ours
    assert f"caller=key:{key[3:11]}" in ours
    assert "caller=learner" in ours


def test_bug_is_a_500_logged_without_its_text(
    service: InProcessService, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(_: object) -> None:
        raise ZeroDivisionError("ada@example.org hush")

    monkeypatch.setattr(service.bridge.store, "progress", bug)
    with caplog.at_level(logging.INFO):
        answer = service.client.get("/v1/learners/moodle/5/progress", headers=bearer(service.key()))
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "exception=ZeroDivisionError" in caplog.text
    assert "test_operations.py" in caplog.text
    assert "hush" not in answer.text + caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/", 404),
        ("GET", "/v1/key/", 404),
        ("GET", "/healthz/", 404),
        ("GET", "/docs/", 404),
        ("GET", "//healthz", 404),
        ("POST", "/v1/completions/", 404),
        ("PUT", "/v1/learners/moodle/5/", 404),
        ("PATCH", "/v1/key", 405),
        ("GET", "/v1/completions", 405),
    ],
)
def test_what_is_not_there_is_a_problem_too(
    service: InProcessService, method: str, path: str, status: int
) -> None:
    answer = service.client.request(method, path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/key/", "/docs/", "/bridge.js/", "/v1/learners/moodle/5/"])
def test_no_answer_leads_to_a_host_callers_named(service: InProcessService, path: str) -> None:
    named = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = service.client.get(path, headers=named)
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert "evil" not in answer.text + str(answer.headers)


GETS = (
    *("/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/key"),
    *("/docs", "/docs/start.js", "/docs/swagger-ui.css", "/bridge.js"),
    *("/v1/learners/moodle/5/progress", "/v1/learners/moodle/5/export"),
    *("/nothing", "/v1/completions", "/v1/learners/moodle/0/progress"),
)


def test_head_tests_know_every_get() -> None:
    modules = (callers, completions, documents, learners, operations)
    found = [route for module in modules for route in module.router.routes]
    patterns = {re.sub(r"\{\w+\}", "[^/]+", r.path) for r in found if "GET" in r.methods}
    assert len(patterns) == 10
    assert all(any(re.fullmatch(pattern, path) for path in GETS) for pattern in patterns)


@pytest.mark.parametrize("path", GETS)
def test_head_answers_as_get_does_without_a_body(service: InProcessService, path: str) -> None:
    headers = bearer(service.key()) | {"Origin": SITE}
    got = service.client.get(path, headers=headers)
    head = service.client.head(path, headers=headers)
    assert head.status_code == got.status_code
    assert head.content == b""
    varying = ("date", "content-length") if path == "/metrics" else ("date",)
    shown = [[(n, v) for n, v in r.headers.items() if n not in varying] for r in (head, got)]
    assert shown[0] == shown[1]


def test_head_leaves_no_body_on_the_wire(service: InProcessService) -> None:
    """Or a kept connection's next answer would begin with it."""
    with socket.create_connection(service.client.base_url.netloc.decode().split(":")) as wire:
        ask = "HEAD /docs HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n"
        wire.sendall(f"{ask}Connection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: wire.recv(65536), b""))
    assert b"\r\n\r\nHTTP/1.1 200 OK" in answer
    assert answer.endswith(b'{"status":"ok"}')


def test_head_is_counted_and_logged_as_such(
    service: InProcessService, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        service.client.head("/healthz")
    assert "method=HEAD route=/healthz status=200" in caplog.text


def test_what_takes_get_says_that_it_takes_head(service: InProcessService) -> None:
    assert service.client.patch("/v1/key").headers["allow"] == "GET, HEAD"
    assert service.client.head("/v1/completions").headers["allow"] == "POST"


def test_a_site_may_ask_for_the_head(service: InProcessService) -> None:
    asked = {
        "Origin": SITE,
        "Access-Control-Request-Method": "HEAD",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = service.client.options("/v1/key", headers=asked)
    assert answer.status_code == 200
    assert "HEAD" in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize("path", ["/healthz", "/v1/key", "/nothing", "/docs", "/openapi.json"])
def test_every_answer_has_the_security_headers(service: InProcessService, path: str) -> None:
    headers = service.client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "server" not in headers


def test_the_documentation_page_loads_from_the_service_alone(service: InProcessService) -> None:
    page = service.client.get("/docs")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 4
    for path in loaded:
        answer = service.client.get(f"/{path}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(("text/css", "text/javascript", "image/"))
    assert "<script>" not in page.text
    assert "unsafe-inline" not in page.headers["content-security-policy"].partition("style-src")[0]


def test_the_documentation_page_shows_the_api(service: InProcessService, browser: Chrome) -> None:
    browser.get(f"{service.url}/docs")
    waiting = WebDriverWait(browser, 20)
    waiting.until(lambda window: "/v1/completions" in window.find_element("id", "docs").text)
    browser.find_element("css selector", "[id$=post_completions] button").click()
    waiting.until(lambda window: "grain-1" in window.find_element("id", "docs").text)
    severe = [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    ours = [
        line["message"] for line in severe if service.url in line["message"]
    ]  # not earlier pages'
    # Chromium asks for /favicon.ico when it has the page before the page's own icon.
    assert not [message for message in ours if "/favicon.ico" not in message]


def test_browsers_keep_bridge_js_until_it_changes(
    service: InProcessService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "STATIC", service.folder)
    assert service.client.get("/bridge.js").status_code == 404
    (service.folder / "bridge.js").write_text("export {};")
    answer = service.client.get("/bridge.js", headers={"Origin": SITE})
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["access-control-allow-origin"] == SITE
    assert "max-age=" in answer.headers["cache-control"]
    same = {"If-None-Match": answer.headers["etag"]}
    assert service.client.get("/bridge.js", headers=same).status_code == 304
    (service.folder / "bridge.js").write_text("export {}; // 2")
    assert service.client.get("/bridge.js", headers=same).status_code == 200


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_service_delivers_what_it_accepts(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    settings: dict[str, Any] = {"delivery": {"age": 0.01}}
    if kind == "redis":
        settings["outbox"] = {"url": request.getfixturevalue("redis_server").url}
    with serving(tmp_path, settings, deliver=True) as service:
        key = service.key()
        service.post(ONE, key)
        url = f"/v1/learners/moodle/{ONE['external_user_id']}/progress"
        for _ in range(2_000):  # as often as it may take to be delivered
            items = service.client.get(url, headers=bearer(key)).json()["items"]
            if items:
                break
    assert [item["grain_id"] for item in items] == ["g"]
