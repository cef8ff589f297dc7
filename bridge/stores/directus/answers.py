"""What an answer means: Directus's data, Directus's refusal, or the word of somebody before it.

A proxy, a firewall or a login page in front of Directus answers with the same statuses. Directus
alone answers ``{"data": …}`` and ``{"errors": [{"extensions": {"code": …}}]}``. So nothing else is
taken for its word: neither for a refusal of a row, nor for a missing right, nor for success.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from bridge.errors import StoreError, StoreMisconfigured, StoreUnavailable
from bridge.stores.directus.failures import ConnectionCut
from bridge.support.nesting import TooDeep, load_json

TOO_LARGE: Final = "PAYLOAD_TOO_LARGE"
"""Code of a refusal because the body is over the server's (or a proxy's) limit."""

LET_THROUGH: Final = (
    "let GET, SEARCH, POST, PATCH and DELETE through to Directus, for /items, /server, /users and "
    "/permissions"
)

_TRY_LATER: Final = frozenset({408, 425, 429, 502, 503, 504})
_UNREACHABLE: Final = range(520, 600)  # what CDNs say of the server behind them

_MAX_ROWS: Final = re.compile(r"max batch mutation limit of (\d+)")


class NotDirectus(StoreMisconfigured):
    """Somebody before Directus answers this request. Directus has probably not seen it.

    Attributes:
        method: the request's.
    """

    def __init__(self, message: str, method: str) -> None:
        super().__init__(message)
        self.method = method


class Forbidden(StoreMisconfigured):
    """Directus itself says that the token may not do this, or that there is no such thing."""


class DirectusRefusal(StoreError):
    """Directus refuses this request for what it holds. Another might be accepted.

    Attributes:
        status: the HTTP status, 400 to 500.
        code: ``extensions.code`` of Directus's first error, or `TOO_LARGE`.
        field: ``extensions.field``, a hint at best (it can name the wrong column), or None.
        collection: ``extensions.collection``, likewise.
        max_rows: how many rows the server lets one request change (``MAX_BATCH_MUTATION``), when
            that is why it refuses.
    """

    def __init__(
        self,
        status: int,
        code: str,
        field: str | None,
        collection: str | None = None,
        max_rows: int | None = None,
    ) -> None:
        where = f" (field {field})" if field else ""
        super().__init__(f"Directus refuses: {code}{where}")
        self.status = status
        self.code = code
        self.field = field
        self.collection = collection
        self.max_rows = max_rows

    @property
    def may_be_server_fault(self) -> bool:
        """Return whether the server may be failing, rather than the request being wrong."""
        return self.status >= 500

    def as_store_error(self, path: str, hint: str) -> StoreError:
        """Return the error to raise when the request was one that has to be accepted.

        Args:
            path: the request's, to name in the error.
            hint: what to look at when it is for somebody to mend.
        """
        if self.may_be_server_fault:
            return StoreUnavailable(f"{path}: {self}")
        if self.code == TOO_LARGE:
            return StoreMisconfigured(
                f"{path}: the request is too large for Directus or for a proxy in front of it; let "
                "them take 1 MB (Directus: MAX_PAYLOAD_SIZE; nginx: client_max_body_size)"
            )
        return StoreMisconfigured(f"{path}: {self}; {hint}")


def read(response: requests.Response, url: str) -> Any:
    """Return the ``data`` of Directus's answer, or None when it has no content.

    Args:
        response: the whole of it.
        url: Directus's, as a message may show it.

    Raises:
        StoreUnavailable: overloaded, or cut off (`ConnectionCut`).
        StoreMisconfigured: `Forbidden`, `NotDirectus`, or the token is not valid.
        DirectusRefusal: anything else that is not a success.
    """
    status = response.status_code
    if status in _TRY_LATER or status in _UNREACHABLE:
        raise StoreUnavailable(f"{url}: HTTP {status}, try later", _retry_after(response))
    if 300 <= status < 400:
        target = _host_of(response.headers.get("Location", "")) or "another page"
        message = f"{url}: {_named(response)} is redirected to {target}"
        raise NotDirectus(f"{message}; is store.url Directus's own?", _method(response))
    if not response.content and status < 300:
        return None
    document = _document(response, url)
    if status >= 400:
        raise _refusal(response, document, url)
    if "data" not in document:
        raise _not_directus(response, url)
    return document["data"]


def _document(response: requests.Response, url: str) -> dict[str, Any]:
    """Return the JSON object of an answer.

    Raises:
        ConnectionCut: it is cut off.
        StoreError: it is not Directus's, as `_not_directus` tells.
    """
    said_json = "json" in response.headers.get("Content-Type", "")
    if not said_json or (not response.content and response.status_code < 500):
        raise _not_directus(response, url)
    try:
        document = load_json(response.content)
    except TooDeep as error:
        message = f"{url}: the answer is {error}: not Directus's; is store.url right?"
        raise NotDirectus(message, _method(response)) from None
    except ValueError:
        # Not a refusal: which row it is about, and whether it is about a row, was in the rest.
        raise ConnectionCut(
            f"{url}: the answer is cut off or not JSON (HTTP {response.status_code})"
        ) from None
    if not isinstance(document, dict):
        raise _not_directus(response, url)
    return document


def _not_directus(response: requests.Response, url: str) -> StoreError:
    """Return the error that says that somebody before Directus answers.

    A failure of theirs may pass by itself, a refusal does not.
    """
    status = response.status_code
    if status == 413:
        return DirectusRefusal(status, TOO_LARGE, None)
    what = f"{url}: HTTP {status} to {_named(response)}, and not from Directus"
    if status >= 500 and status != 501:
        return StoreUnavailable(f"{what}: a proxy in front of it fails", _retry_after(response))
    if status < 300:
        message = f"{what}; is store.url right, is a login page in front of it? {LET_THROUGH}"
    else:
        message = f"{what}: a proxy, firewall or login page in front of it answers; {LET_THROUGH}"
    return NotDirectus(message, _method(response))


def _method(response: requests.Response) -> str:
    return response.request.method or ""


def _named(response: requests.Response) -> str:
    """Return method and path of the request, as a message may show them."""
    return f"{_method(response)} {urlsplit(response.request.url or '').path}"


def _refusal(response: requests.Response, document: dict[str, Any], url: str) -> StoreError:
    """Return the error that an answer of 400 and above means.

    Those that say to try later are not asked about here.
    """
    status = response.status_code
    code, field, collection = _extensions(document)
    if code is None:
        return _not_directus(response, url)
    if status == 401:
        return StoreMisconfigured(f"{url}: the token is not valid (HTTP 401)")
    if status == 403:
        return Forbidden(
            f"{url}: HTTP 403, the token has no right to do this, or the collection or field "
            "does not exist; `progress-bridge check` tells which"
        )
    if status in (404, 405):
        return Forbidden(f"{url}: HTTP {status}, this is not Directus's own URL")
    if status == 413 or (code == "INVALID_PAYLOAD" and "too large" in response.text):
        return DirectusRefusal(status, TOO_LARGE, None)
    return DirectusRefusal(status, code, field, collection, _max_rows(document))


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
