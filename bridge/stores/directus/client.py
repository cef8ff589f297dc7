"""Directus's REST dialect: one request in, its data or one of three kinds of error out.

The kinds follow what Directus 10, 11 and 12 were seen to answer, proxies in front of it included.
No error holds the token, a header or a body. None keeps the HTTP library's own exception either,
whose frames hold them.
"""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from bridge.config import Secret, StoreSettings
from bridge.errors import StoreError, StoreMisconfigured, StoreUnavailable
from bridge.stores.directus.deadline import Deadline, open_session
from bridge.stores.directus.failures import ConnectionCut, no_answer
from bridge.support.nesting import TooDeep, load_json

TOO_LARGE: Final = "PAYLOAD_TOO_LARGE"
"""Code of a refusal because the body is over the server's (or a proxy's) limit."""

_TRY_LATER: Final = frozenset({408, 425, 429, 502, 503, 504})
_UNREACHABLE: Final = range(520, 600)  # what CDNs say of the server behind them


_MAX_ROWS: Final = re.compile(r"max batch mutation limit of (\d+)")


class DirectusRefusal(StoreError):
    """Directus refuses this request for what it holds. Another might be accepted.

    Attributes:
        status: the HTTP status, 400 to 500.
        code: ``extensions.code`` of Directus's first error, or None when the answer has none.
        field: ``extensions.field``, a hint at best (it can name the wrong column), or None.
        collection: ``extensions.collection``, likewise.
        max_rows: how many rows the server lets one request change (``MAX_BATCH_MUTATION``), when
            that is why it refuses.
    """

    def __init__(
        self,
        status: int,
        code: str | None,
        field: str | None,
        collection: str | None = None,
        max_rows: int | None = None,
    ) -> None:
        where = f" (field {field})" if field else ""
        super().__init__(f"Directus refuses: {code or f'HTTP {status}'}{where}")
        self.status = status
        self.code = code
        self.field = field
        self.collection = collection
        self.max_rows = max_rows

    @property
    def may_be_server_fault(self) -> bool:
        """Return whether the server may be failing, rather than the request being wrong."""
        return self.code is None or self.status >= 500

    def as_store_error(self, path: str, hint: str) -> StoreError:
        """Return the error to raise when the request was one that has to be accepted.

        Args:
            path: the request's, to name in the error.
            hint: what to look at when it is for somebody to mend.
        """
        if self.may_be_server_fault:
            return StoreUnavailable(f"{path}: {self}")
        return StoreMisconfigured(f"{path}: {self}; {hint}")


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

        A request that reads is sent a second time when its connection turns out to be cut.

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

        def send() -> requests.Response:
            return self._send(method, path, params, content)

        try:
            response = send()
        except ConnectionCut:
            if method not in ("GET", "SEARCH"):
                raise
            response = send()
        return self._data(response)

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
                    headers={"Content-Type": "application/json", "Accept": "application/json"},
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

    def _data(self, response: requests.Response) -> Any:
        status, url = response.status_code, self._settings.shown_url
        if 300 <= status < 400:
            target = _host_of(response.headers.get("Location", "")) or "another page"
            raise StoreMisconfigured(f"{url}: redirects to {target}; is store.url Directus's own?")
        if status in _TRY_LATER or status in _UNREACHABLE:
            raise StoreUnavailable(f"{url}: HTTP {status}, try later", _retry_after(response))
        if status >= 400:
            raise self._refusal(response)
        if not response.content:
            return None
        document = self._document(response)
        return document.get("data")

    def _document(self, response: requests.Response) -> dict[str, Any]:
        """Return the JSON object of a successful answer."""
        if "json" not in response.headers.get("Content-Type", ""):
            raise StoreMisconfigured(
                f"{self._settings.shown_url}: answers with a page, not with Directus's JSON; "
                "is store.url right, is a login page in front of it?"
            )
        try:
            document = self._json(response)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise ConnectionCut(f"{self._settings.shown_url}: the answer is cut off or not JSON")
        return document

    def _json(self, response: requests.Response) -> Any:
        """Parse an answer.

        Raises:
            StoreMisconfigured: it is nested deeper than Directus's ever are.
            ValueError: it is not JSON.
        """
        try:
            return load_json(response.content)
        except TooDeep as error:
            raise StoreMisconfigured(
                f"{self._settings.shown_url}: the answer is {error}: not Directus's; "
                "is store.url right?"
            ) from None

    def _refusal(self, response: requests.Response) -> StoreError:
        """Return the error that an answer of 400 and above means.

        Those that say to try later are not asked about here.
        """
        status, url = response.status_code, self._settings.shown_url
        try:
            answer = self._json(response)
        except ValueError:
            answer = None
        code, field, collection = _extensions(answer)
        if status == 401:
            return StoreMisconfigured(f"{url}: the token is not valid (HTTP 401)")
        if status == 403:
            return StoreMisconfigured(
                f"{url}: HTTP 403, the token has no right to do this, or the collection or field "
                "does not exist; `progress-bridge check` tells which"
            )
        if status == 404:
            return StoreMisconfigured(f"{url}: HTTP 404, this is not Directus's own URL")
        if status in (405, 501):
            return StoreMisconfigured(
                f"{url}: HTTP {status}, a proxy in front refuses the method; let it pass SEARCH"
            )
        if status == 413 or (code == "INVALID_PAYLOAD" and "too large" in response.text):
            return DirectusRefusal(status, TOO_LARGE, None)
        if answer is None and "json" in response.headers.get("Content-Type", ""):
            # Not a refusal: which row it is about, and whether it is about a row, was in the rest.
            return ConnectionCut(f"{url}: the answer is cut off or not JSON (HTTP {status})")
        return DirectusRefusal(status, code, field, collection, _max_rows(answer))


def encode(body: Any) -> bytes:
    """Encode the body as it goes over the wire: UTF-8 JSON without needless spaces."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def _extensions(answer: Any) -> tuple[str | None, str | None, str | None]:
    """Return code, field and collection of the first error, when the answer is Directus's."""
    try:
        extensions = answer["errors"][0]["extensions"]
        code, field, collection = map(extensions.get, ("code", "field", "collection"))
    except (LookupError, TypeError, AttributeError):
        return None, None, None
    return _text(code), _text(field), _text(collection)


def _max_rows(answer: Any) -> int | None:
    """Return ``MAX_BATCH_MUTATION`` when that is why Directus refuses, which it says in words."""
    try:
        told = _MAX_ROWS.search(answer["errors"][0]["extensions"]["reason"])
    except (LookupError, TypeError):
        return None
    return int(told[1]) if told else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _retry_after(response: requests.Response) -> float | None:
    """Return ``Retry-After`` in seconds, or None when there is none that can be read.

    RFC 9110 lets it be a number of seconds or a date.
    """
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())
