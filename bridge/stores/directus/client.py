"""Directus's REST dialect: one request in, its data or one of three kinds of error out.

The kinds follow what Directus 10, 11 and 12 were seen to answer (`answers`). No error holds the
token, a header or a body. None keeps the HTTP library's own exception either, whose frames hold
them.
"""

from __future__ import annotations

import json
import os
import uuid
from time import monotonic
from typing import Any, Final

import requests
from requests.auth import AuthBase

from bridge.config import Secret, StoreSettings
from bridge.stores.directus.answers import DirectusRefusal, read
from bridge.stores.directus.deadline import Deadline, open_session
from bridge.stores.directus.failures import ConnectionCut, no_answer

_HEADERS: Final = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Cache-Control": "no-store",
}


class _Bearer(AuthBase):
    """The token as a header. Being given explicitly, it keeps .netrc out."""

    def __init__(self, token: Secret | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return request


class DirectusClient:
    """Speaks to one Directus, over kept-alive connections. May be shared by threads and forks.

    Args:
        settings: URL, token, CA file, time-outs (seconds) and number of connections.
    """

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._base = settings.url.rstrip("/")
        self._session: requests.Session | None = None
        self._pid = 0
        self._query_limit = (0, float("-inf"))  # and when it was asked for

    def request(
        self, method: str, path: str, *, params: dict[str, str] | None = None, body: Any = None
    ) -> Any:
        """Send a request, and return the ``data`` of Directus's answer.

        A request that reads is sent a second time when its connection turns out to be cut. No
        answer comes from a cache: Directus keeps answers to GET alone, and each GET is new to it.

        Args:
            method: an HTTP method, ``SEARCH`` included.
            path: from the URL's root on, as in ``/items/progress``.
            params: the query string.
            body: sent as JSON.

        Returns:
            The data, or None when the answer has none.

        Raises:
            StoreUnavailable: not reachable, too slow, overloaded or cut off (`ConnectionCut`).
            StoreMisconfigured: a wrong URL, token, right, collection or certificate.
            DirectusRefusal: anything else that is not a success.
        """
        content = None if body is None else encode(body)
        if method == "GET":
            params = {**(params or {}), **_never_asked_before()}

        def send() -> requests.Response:
            return self._send(method, path, params, content)

        try:
            response = send()
        except ConnectionCut:
            if method not in ("GET", "SEARCH"):
                raise
            response = send()
        return read(response, self._settings.shown_url)

    def ask(self, method: str, path: str, *, body: Any = None) -> Any:
        """Send what Directus has no reason to refuse, such as a question.

        Args and result are those of `request`.

        Raises:
            StoreUnavailable, StoreMisconfigured: as in `request`. A refusal becomes one of them.
        """
        try:
            return self.request(method, path, body=body)
        except DirectusRefusal as refusal:
            failure = refusal.as_store_error(path, "is Directus older than 10?")
        raise failure

    def query_limit(self, age: float = 60) -> int:
        """Return how many rows one question may give: the server's ``QUERY_LIMIT_MAX``.

        Args:
            age: seconds after which the server is asked again. Directus may be started anew with
                another limit, and then cuts its answers without a word.

        Returns:
            The limit, -1 for any number of rows.
        """
        now = monotonic()
        limit, asked_at = self._query_limit
        if now - asked_at > age:
            info = self.ask("GET", "/server/info")
            limits = info.get("queryLimit") if isinstance(info, dict) else None
            limit = int((limits or {}).get("max", -1))
            self._query_limit = limit, now
        return limit

    def close(self) -> None:
        """Close the kept connections."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _send(
        self, method: str, path: str, params: dict[str, str] | None, content: bytes | None
    ) -> requests.Response:
        settings = self._settings
        try:
            with Deadline(2 * settings.read_timeout):
                return self._connections().request(
                    method,
                    self._base + path,
                    params=params,
                    data=content,
                    headers=_HEADERS,
                    auth=_Bearer(settings.token),
                    timeout=(settings.connect_timeout, settings.read_timeout),
                    verify=str(settings.ca_file) if settings.ca_file else True,
                    allow_redirects=False,
                )
        except (requests.RequestException, OSError) as error:  # OSError: a CA file that is gone
            failure = no_answer(error, self._settings)
        raise failure  # out here, so that it does not drag the request and its headers along

    def _connections(self) -> requests.Session:
        """Return the kept connections, which are this process's alone.

        A fork must not share its parent's sockets.
        """
        if self._session is None or self._pid != os.getpid():
            self._session, self._pid = open_session(self._settings.connections), os.getpid()
        return self._session


def encode(body: Any) -> bytes:
    """Encode the body as it goes over the wire: UTF-8 JSON without needless spaces."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _never_asked_before() -> dict[str, str]:
    """Return what to add to a question so that no cache holds an answer to it.

    Directus heeds ``Cache-Control: no-store`` only where CACHE_SKIP_ALLOWED is set. What it makes
    of the query string is part of its cache's key, of which it takes no parameter of our own. So
    a field that is not asked for gets a name that was never given before.
    """
    return {"alias": json.dumps({f"asked_{uuid.uuid4().hex}": "id"})}
