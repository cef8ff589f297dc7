"""Why Directus gave no answer: the name, the port, TLS, the proxy, or a connection that was cut.

No error made here keeps the HTTP library's own, whose frames hold the token.
"""

from __future__ import annotations

import re
import ssl
from http.client import BadStatusLine, RemoteDisconnected
from typing import Final

import requests
from urllib3.exceptions import MaxRetryError

from bridge.config import StoreSettings
from bridge.errors import StoreError, StoreMisconfigured, StoreUnavailable
from bridge.stores.directus.deadline import Overdue
from bridge.support.connections import causes, why_no_tls, why_not_connected, why_untrusted
from bridge.support.file_access import why_unreadable

_TUNNEL_REFUSED: Final = re.compile(r"Tunnel connection failed: (\d{3})\b")
_PROXY: Final = "HTTPS_PROXY or HTTP_PROXY names it; NO_PROXY names hosts that need none"


class ConnectionCut(StoreUnavailable):
    """The connection broke after the request was sent: it may or may not have been carried out."""


def no_answer(error: requests.RequestException | OSError, settings: StoreSettings) -> StoreError:
    """Return the error to raise where a request has no answer.

    Args:
        error: of requests, or of the system.
        settings: of the request.
    """
    url = settings.shown_url
    if isinstance(error, requests.exceptions.SSLError):
        return _tls_failure(error, settings)
    if isinstance(error, requests.exceptions.ConnectTimeout):
        seconds = f"{settings.connect_timeout:g} s"
        return StoreUnavailable(
            f"{url}: no connection within {seconds}; is it up, is a firewall between?"
        )
    if isinstance(error, Overdue):
        return StoreUnavailable(f"{url}: no end of the answer within {error.seconds:g} s")
    if isinstance(error, requests.exceptions.Timeout):
        return StoreUnavailable(f"{url}: no answer within {settings.read_timeout:g} s")
    if isinstance(error, requests.exceptions.ProxyError):
        return _proxy_failure(error, url)
    if isinstance(error, requests.exceptions.ConnectionError):
        if isinstance(error.args[0] if error.args else None, MaxRetryError):
            why = why_not_connected(error) or type(error).__name__
            return StoreUnavailable(f"{url}: no connection: {why}")
        return _cut(error, url)
    if isinstance(
        error,
        requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError,
    ):
        return ConnectionCut(f"{url}: the answer was cut off")
    if not isinstance(error, requests.RequestException):  # a CA file that is gone, or unforeseen
        return _about_ca_file(settings) or ConnectionCut(f"{url}: {type(error).__name__}")
    return StoreMisconfigured(f"{url}: cannot be requested ({type(error).__name__})")


def _about_ca_file(settings: StoreSettings) -> StoreError | None:
    why = why_unreadable(settings.ca_file) if settings.ca_file else None
    return StoreMisconfigured(f"store.ca_file: {why}") if why else None


def _tls_failure(error: requests.exceptions.SSLError, settings: StoreSettings) -> StoreError:
    """Return the error that tells what went wrong with TLS.

    requests and urllib3 both say SSLError, whatever it was.
    """
    url, cause = settings.shown_url, next(causes(error, ssl.SSLError), None)
    if cause is None:
        return _about_ca_file(settings) or StoreMisconfigured(f"{url}: TLS failed")
    if isinstance(cause, ssl.SSLCertVerificationError):
        why = why_untrusted(cause, "store.ca_file")
        return StoreMisconfigured(f"{url}: TLS failed, {why}")
    if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        # As a server does that is about to stop; also on a connection that was kept, so the
        # request may have been sent.
        return ConnectionCut(f"{url}: the connection was closed within TLS")
    if "BAD_RECORD_MAC" in str(cause):
        return ConnectionCut(f"{url}: the connection was disturbed within TLS")
    why = why_no_tls(cause, "store.ca_file") or (
        "the server speaks none there; if it speaks plain HTTP, let store.url begin with http:"
    )
    return StoreMisconfigured(f"{url}: TLS failed, {why}")


def _proxy_failure(error: requests.exceptions.ProxyError, url: str) -> StoreError:
    """Return the error that tells what is wrong with the proxy that the environment names."""
    refusals = (_TUNNEL_REFUSED.search(str(cause)) for cause in causes(error, OSError))
    status = next((int(refusal[1]) for refusal in refusals if refusal), 0)
    if status == 407:
        return StoreMisconfigured(f"{url}: the proxy wants a user and a password; {_PROXY}")
    if 400 <= status < 500:
        return StoreMisconfigured(f"{url}: the proxy lets nobody there (HTTP {status}); {_PROXY}")
    if status:
        return StoreUnavailable(f"{url}: the proxy does not get there (HTTP {status})")
    why = why_not_connected(error) or type(error).__name__
    return StoreUnavailable(f"{url}: the proxy cannot be reached: {why}; {_PROXY}")


def _cut(error: requests.exceptions.ConnectionError, url: str) -> StoreError:
    """Return the error of an answer that did not come, or is not HTTP."""
    for cause in causes(error, BadStatusLine):
        if str(cause.args[0]).startswith("\x15\x03"):  # an alert of TLS
            return StoreMisconfigured(
                f"{url}: it speaks TLS there; let store.url begin with https:"
            )
        if not isinstance(cause, RemoteDisconnected):
            return ConnectionCut(f"{url}: the answer is not HTTP; is the port Directus's?")
    return ConnectionCut(f"{url}: the connection was cut")
