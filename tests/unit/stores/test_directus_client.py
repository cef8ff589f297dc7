"""Directus's answers, and what a proxy, a network or a wrong URL gives instead: three kinds.

The server here is ours, since it does what Directus itself cannot be made to do.
"""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
import trustme

from bridge import StoreError, StoreMisconfigured, StoreUnavailable
from bridge.config import Secret, StoreSettings
from bridge.stores.directus import DirectusStore
from bridge.stores.directus.answers import DirectusRefusal
from bridge.stores.directus.client import DirectusClient
from bridge.stores.directus.failures import ConnectionCut
from tests.contract.learners import done, somebody

TOKEN: Final = "s3cret-token-of-the-bridge"
Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers every request as it is told; `url` is where."""

    def __init__(self) -> None:
        self.answer: Answer = say(200, {"data": []})
        self.requests: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server.requests.append(f"{self.command} {self.path}")
                server.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def speak_tls(self, ca: trustme.CA) -> None:
        """Encrypt from now on, with a certificate of this authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        ca.issue_cert("127.0.0.1").configure_cert(context)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.url = self.url.replace("http:", "https:")


def say(status: int, body: Any = None, kind: str = "application/json", **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


def half_an_answer(handler: BaseHTTPRequestHandler) -> None:
    """Promise 1000 bytes, give few and hang up."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"data": [{"id": 1')
    handler.close_connection = True


def drip(first: bytes) -> Answer:
    """Say this and then, for ever, a byte at a time."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(first)
        handler.close_connection = True
        with suppress(OSError):  # the client has had enough
            while True:
                handler.wfile.write(b" ")
                time.sleep(0.02)

    return answer


NO_END: Final = {
    "header": b"HTTP/1.1 200 OK\r\nX-Long: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999\r\n\r\n{",
    "body until the end": b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"data": []}',
}


def error(code: str, **extensions: str) -> dict[str, Any]:
    return {"errors": [{"message": "…", "extensions": {"code": code, **extensions}}]}


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def authority(tmp_path: Path) -> tuple[trustme.CA, Path]:
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return made, tmp_path / "ca.pem"


def client(url: str, **more: Any) -> DirectusClient:
    settings = StoreSettings(url=url, token=Secret(TOKEN), connect_timeout=1, **more)
    return DirectusClient(settings)


def ask(server: Server, answer: Answer, method: str = "POST", **more: Any) -> StoreError:
    """Return the error that an answer becomes."""
    server.answer = answer
    with pytest.raises(StoreError) as raised:
        client(server.url, **more).request(method, "/items/progress", body={"a": 1})
    return raised.value


HTML: Final = b"<html><body>Please log in</body></html>"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (say(401, error("INVALID_TOKEN")), "token is not valid"),
        (say(403, error("FORBIDDEN")), "no right to do this, or the collection"),
        (say(404, error("ROUTE_NOT_FOUND")), "not Directus's own URL"),
        (say(405, HTML, "text/html"), "not from Directus"),
        (say(400, HTML, "text/html"), "not from Directus"),
        (say(403, HTML, "text/html"), "not from Directus"),
        (say(403, {"error": "blocked"}), "not from Directus"),
        (say(403, {"errors": [{"extensions": {"code": 5}}]}), "not from Directus"),
        (say(403, b""), "not from Directus"),
        (say(401, {"errors": ["login"]}), "not from Directus"),
        (say(501, HTML, "text/html"), "not from Directus"),
        (say(200, {"ok": True}), "not from Directus"),
        (
            say(302, b"", Location="https://sso.example.org/?t=1"),
            "is redirected to sso.example.org;",
        ),
        (say(200, HTML, "text/html"), "is a login page in front of it?"),
        (say(200, b"[" * 100_000), "nested more than 64 levels deep"),
        (say(400, b'{"errors":' * 65), "nested more than 64 levels deep"),
    ],
)
def test_what_somebody_must_mend_is_misconfigured(
    server: Server, answer: Answer, words: str
) -> None:
    failure = ask(server, answer)
    assert isinstance(failure, StoreMisconfigured)
    assert words in str(failure)


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503, 504, 520])
def test_what_passes_by_itself_is_unavailable(server: Server, status: int) -> None:
    failure = ask(server, say(status, HTML, "text/html"))
    assert isinstance(failure, StoreUnavailable)
    assert failure.retry_after is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("17", 17), ("0", 0), ("soon", None), ("-5", None), ("", None), ("1e3", None)],
)
def test_retry_after_in_seconds_is_passed_on(
    server: Server, value: str, seconds: float | None
) -> None:
    failure = ask(server, say(429, {}, Retry_After=value))
    assert isinstance(failure, StoreUnavailable)
    assert failure.retry_after == seconds


def test_a_failure_of_a_proxy_is_unavailable(server: Server) -> None:
    failure = ask(server, say(500, HTML, "text/html"))
    assert isinstance(failure, StoreUnavailable)
    assert "not from Directus" in str(failure)


def test_retry_after_as_a_date_is_passed_on(server: Server) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    failure = ask(server, say(503, {}, Retry_After=later))
    assert isinstance(failure, StoreUnavailable)
    assert 80 < (failure.retry_after or 0) <= 90


@pytest.mark.parametrize(
    "answer",
    [
        hang_up,
        half_an_answer,
        say(200, b'{"data": [{"i'),
        say(400, b'{"errors": [{"message": "\xe2\x80'),
        say(500, b""),
    ],
)
def test_a_cut_answer_leaves_the_outcome_open(server: Server, answer: Answer) -> None:
    assert isinstance(ask(server, answer), ConnectionCut)
    assert server.requests == ["POST /items/progress"]


def test_a_cut_question_is_asked_once_more(server: Server) -> None:
    ask(server, hang_up, "SEARCH")
    assert len(server.requests) == 2


def test_a_silent_server_is_unavailable_in_time(server: Server) -> None:
    release = threading.Event()
    failure = ask(server, lambda _: release.wait(60) and None, read_timeout=0.2)
    release.set()
    assert isinstance(failure, StoreUnavailable)
    assert "no answer within 0.2 s" in str(failure)


@pytest.mark.parametrize("first", NO_END.values(), ids=NO_END)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_answer_byte_by_byte_is_ended(
    server: Server, authority: tuple[trustme.CA, Path], first: bytes, scheme: str
) -> None:
    if scheme == "https":
        server.speak_tls(authority[0])
    asking = client(server.url, read_timeout=0.2, ca_file=authority[1])
    server.answer = drip(first)
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"no end of the answer within 0\.4 s"):
        asking.request("SEARCH", "/items/progress")
    assert 0.4 <= time.monotonic() - began < 30  # for ever, were it left to the socket
    assert len(server.requests) == 1
    server.answer = say(200, {"data": ["after"]})
    assert patiently(lambda: asking.request("GET", "/items/progress")) == ["after"]


def patiently(ask: Callable[[], Any]) -> Any:
    """Ask again and again: a time-out meant for the test is short for a busy machine."""
    for _ in range(100):
        with suppress(StoreUnavailable):
            return ask()
    return None


def test_a_long_answer_in_time_is_taken_whole(server: Server) -> None:
    server.answer = say(200, {"data": "x" * 5_000_000})
    assert len(client(server.url, read_timeout=60).request("GET", "/")) == 5_000_000


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable, match="no connection"):
        client("http://127.0.0.1:9").request("GET", "/server/ping")


@pytest.mark.parametrize(
    ("answer", "code", "fault"),
    [
        (say(400, error("VALUE_TOO_LONG", field="grain_id")), "VALUE_TOO_LONG", False),
        (say(500, error("INTERNAL_SERVER_ERROR")), "INTERNAL_SERVER_ERROR", True),
        (say(413, HTML, "text/html"), "PAYLOAD_TOO_LARGE", False),
    ],
)
def test_what_one_row_may_cause_is_a_refusal(
    server: Server, answer: Answer, code: str | None, fault: bool
) -> None:
    failure = ask(server, answer)
    assert isinstance(failure, DirectusRefusal)
    assert (failure.code, failure.may_be_server_fault) == (code, fault)


def test_no_question_is_asked_twice_in_the_same_words(server: Server) -> None:
    """Directus's cache, and any other before it, goes by method, path and query string."""
    asking = client(server.url)
    for _ in range(3):
        asking.request("GET", "/server/info")
    assert len(set(server.requests)) == 3


def test_an_answer_without_content_has_no_data(server: Server) -> None:
    server.answer = say(204, b"")
    assert client(server.url).request("DELETE", "/items/progress/1") is None


def test_concurrent_requests_never_exceed_the_connections(server: Server) -> None:
    arrived = threading.Semaphore(0)
    release = threading.Event()

    def hold(handler: BaseHTTPRequestHandler) -> None:
        arrived.release()
        release.wait(60)
        say(200, {"data": []})(handler)

    shared = client(server.url, connections=2)
    shared.request("GET", "/items/progress")
    server.answer = hold
    with ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(shared.request, "GET", "/items/progress") for _ in range(6)]
        assert arrived.acquire(timeout=60)
        assert arrived.acquire(timeout=60)
        assert not arrived.acquire(timeout=0.3)
        release.set()
        assert [answer.result() for answer in answers] == [[]] * 6


def test_tls_is_verified_against_the_ca_file(
    server: Server, authority: tuple[trustme.CA, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ca, path = authority
    server.speak_tls(ca)
    with pytest.raises(StoreMisconfigured, match=r"not trusted; set store\.ca_file"):
        client(server.url).request("GET", "/")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ssl.get_default_verify_paths().openssl_cafile)
    assert client(server.url, ca_file=path).request("GET", "/") == []


@contextmanager
def raw(answer: bytes) -> Iterator[str]:
    """Serve at an https address without TLS: hear a greeting, say this and hang up."""

    def serve() -> None:
        with suppress(OSError):  # closed at the end
            while True:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (b"", StoreUnavailable, "closed within TLS"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", StoreMisconfigured, "plain HTTP"),
    ],
    ids=["hangs up", "plain http"],
)
def test_only_an_untrusted_certificate_is_called_untrusted(
    method: str, answer: bytes, kind: type[StoreError], words: str
) -> None:
    with raw(answer) as url, pytest.raises(kind, match=words) as raised:
        client(url).request(method, "/items/progress")
    assert "certificate" not in str(raised.value)
    assert raised.value.__context__ is None or isinstance(raised.value.__context__, StoreError)


@pytest.mark.parametrize("answer", [hang_up, say(401, {}), say(500, {}), say(302, b"")])
def test_no_error_or_log_shows_token_or_learner(
    server: Server, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer = answer
    store = DirectusStore(StoreSettings(url=server.url, token=Secret(TOKEN)))
    who, address = somebody("funmooc"), "alice@example.org"
    with pytest.raises((StoreUnavailable, StoreMisconfigured)) as raised:
        store.record([done(who, email=address)])
    shown = "".join(traceback.format_exception(raised.value)) + caplog.text
    shown += repr(store) + repr(vars(store)) + repr(vars(raised.value))
    told = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    assert TOKEN not in shown + "".join(told.format())
    assert address not in shown
    assert who.external_user_id not in shown
    cause = raised.value.__context__  # the HTTP library's own error holds the headers
    assert cause is None or isinstance(cause, StoreError)
