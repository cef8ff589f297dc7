"""The proxy does to a request what it says, and nothing once it behaves again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from tests.faults import proxy as misbehaviours
from tests.faults.proxy import Misbehaviour, Proxy
from tests.servers.process import HOST

BODY = b'{"data": [1, 2, 3]}'


class Upstream(ThreadingHTTPServer):
    """Counts the requests that reach it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), Handler)
        self.seen: list[bytes] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_POST(self) -> None:
        self.server.seen.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))
        else:
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(upstream: Upstream) -> Iterator[Proxy]:
    with Proxy(upstream.server_address[1]) as server:
        yield server


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def post(
    session: requests.Session, proxy: Proxy, path: str = "/", timeout: float = 60
) -> requests.Response:
    data = b"x" * 100_000
    return session.post(proxy.url + path, data=data, timeout=timeout, allow_redirects=False)


@pytest.mark.parametrize("path", ["/", "/chunked"])
def test_whole_requests_and_answers_share_one_connection(
    proxy: Proxy, upstream: Upstream, session: requests.Session, path: str
) -> None:
    for _ in range(3):
        assert post(session, proxy, path).content == BODY
    assert upstream.seen == [b"x" * 100_000] * 3


BREAKS: list[tuple[Misbehaviour, bool, float]] = [
    (misbehaviours.reset_mid_request, False, 60),
    (misbehaviours.reset_mid_response, True, 60),
    (misbehaviours.lose_answer, True, 2),
    (misbehaviours.stay_silent, False, 0.5),
]


@pytest.mark.parametrize(("misbehaviour", "arrives", "timeout"), BREAKS)
def test_a_broken_exchange_fails_request_arrived_or_not(
    proxy: Proxy,
    upstream: Upstream,
    session: requests.Session,
    misbehaviour: Misbehaviour,
    arrives: bool,
    timeout: float,
) -> None:
    with proxy.misbehaving(misbehaviour), pytest.raises(requests.RequestException):
        post(session, proxy, timeout=timeout)
    assert len(upstream.seen) == arrives
    assert post(session, proxy).content == BODY


def test_half_a_body_comes_well_formed(proxy: Proxy, session: requests.Session) -> None:
    with proxy.misbehaving(misbehaviours.halve_json):
        answer = post(session, proxy)
    assert answer.status_code == 200
    assert BODY.startswith(answer.content)
    assert 0 < len(answer.content) < len(BODY)


def test_slow_bytes_are_all_there_in_the_end(proxy: Proxy, session: requests.Session) -> None:
    with proxy.misbehaving(misbehaviours.trickle):
        answer = session.post(proxy.url, data=b"{}", timeout=60)
    assert answer.content == BODY


@pytest.mark.parametrize("arrives", [False, True])
def test_another_answer_replaces_or_follows_directus_own(
    proxy: Proxy, upstream: Upstream, session: requests.Session, arrives: bool
) -> None:
    message = misbehaviours.page("502 Bad Gateway", "Bad Gateway", "Retry-After: 1")
    give = misbehaviours.after if arrives else misbehaviours.instead
    with proxy.misbehaving(give(message)):
        answer = post(session, proxy)
    assert (answer.status_code, answer.headers["Retry-After"]) == (502, "1")
    assert "Bad Gateway" in answer.text
    assert len(upstream.seen) == arrives
    assert post(session, proxy).content == BODY


def test_the_same_seed_hits_the_same_requests(proxy: Proxy, session: requests.Session) -> None:
    message = misbehaviours.page("503 Service Unavailable", "Later")

    def statuses() -> list[int]:
        with proxy.misbehaving(misbehaviours.instead(message), share=0.5, seed=3):
            return [post(session, proxy).status_code for _ in range(30)]

    first = statuses()
    assert {200, 503} == set(first)
    assert first == statuses()
    assert proxy.struck == first.count(503)


def test_refused_connections_break_and_nobody_listens(
    proxy: Proxy, upstream: Upstream, session: requests.Session
) -> None:
    post(session, proxy)
    for _ in range(3):
        with proxy.refusing():
            with pytest.raises(requests.ConnectionError):
                post(session, proxy)
            with pytest.raises(requests.ConnectionError, match="refused"):
                requests.get(proxy.url, timeout=60)
        assert post(session, proxy).content == BODY
    assert len(upstream.seen) == 4


def test_a_dead_upstream_cuts_the_connection(session: requests.Session) -> None:
    with Proxy(upstream=9) as proxy, pytest.raises(requests.ConnectionError):
        post(session, proxy)
