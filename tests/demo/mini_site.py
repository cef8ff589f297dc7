"""The service, and under ``/demo`` a small site whose pages use it: the demo's third door.

``python -m tests.demo.mini_site --help``
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import uvicorn
from starlette.responses import RedirectResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.config import Settings
from bridge.service import worker
from bridge.tokens import Tokens
from tests.demo.people import ACCOUNT
from tests.servers.process import HOST

PAGES: Final = Path(__file__).with_name("site")
SIGN_IN: Final = "/demo/sign-in"
_TOKEN_LIFETIME_SECONDS: Final = 8 * 3600.0
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self' {}"
)


class MiniSite:
    """Static pages under ``/demo``, around a service that answers everything else.

    Args:
        service: the service's application.
        tokens: launches the pages for somebody who signs in.
        course: the origin whose pages may embed ours.
    """

    def __init__(self, service: ASGIApp, tokens: Tokens, course: str) -> None:
        self._service = service
        self._tokens = tokens
        self._pages = StaticFiles(directory=PAGES, html=True)
        self._headers = [
            (b"content-security-policy", _POLICY.format(course).encode()),
            (b"referrer-policy", b"no-referrer"),
            (b"x-content-type-options", b"nosniff"),
            (b"cache-control", b"no-cache"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (scope["path"] + "/").startswith("/demo/"):
            await self._service(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        pages = self._sign_in if scope["path"] == SIGN_IN else self._pages
        await pages({**scope, "root_path": "/demo"}, receive, sending)

    async def _sign_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Launch the pages for an account, as a site would that has asked who it is."""
        token = self._tokens.issue(ACCOUNT, lifetime=_TOKEN_LIFETIME_SECONDS)
        await RedirectResponse(f"/demo/#token={token}")(scope, receive, send)


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser("python -m tests.demo.mini_site")
    parser.add_argument("--config", required=True, help="the bridge's YAML file")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--course", required=True, help="the origin that may embed the pages")
    asked = parser.parse_args()
    settings = Settings.load(asked.config)
    options = worker.ServeOptions(
        config=asked.config, deliver=True, log_json=False, log_requests=True, debug=False
    )
    assert settings.tokens
    app = worker.create_app_with_logs(settings, options)
    # The demo's Directus may have another port than the last time: it is the same store.
    app.state.bridge.outbox.claim(adopt=True)
    site = MiniSite(app, Tokens(settings.tokens), asked.course)
    uvicorn.Server(worker.uvicorn_config(site, settings, host=HOST, port=asked.port)).run()


if __name__ == "__main__":
    main()
