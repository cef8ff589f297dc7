"""A bridge that answers as the real one seldom does, or not at all."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.servers.process import HOST


@dataclass
class Answer:
    """What it says to one request; ``cut``: the connection ends without an answer."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    wait: threading.Event | None = None


@dataclass
class Request:
    """What it was asked."""

    method: str
    path: str
    key: str
    body: Any


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: a caller that goes away is what some tests are about."""


class OddBridge:
    """An HTTP server whose answers a test decides.

    Args:
        answer: from a request to the answer.
        tls: speak TLS.
    """

    def __init__(
        self, answer: Callable[[Request], Answer], tls: ssl.SSLContext | None = None
    ) -> None:
        self.requests: list[Request] = []
        self._answer = answer
        self._server = _Server((HOST, 0), self._handler())
        scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{scheme}://{HOST}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        bridge = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length) or b"null")
                key = self.headers.get("Authorization", "").removeprefix("Bearer ")
                request = Request(self.command, self.path, key, body)
                bridge.requests.append(request)
                self._say(bridge._answer(request))

            do_POST = do_DELETE = do_GET

            def _say(self, answer: Answer) -> None:
                if answer.wait:
                    answer.wait.wait(30)
                self.close_connection = True
                if answer.cut:
                    return
                text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Nothing: the tests keep the requests themselves."""

        return Handler


def all_accepted(request: Request) -> Answer:
    """What the real one says when it takes everything."""
    results = [{"status": "accepted"} for _ in request.body]
    return Answer(202, {"accepted": len(results), "refused": 0, "results": results})
