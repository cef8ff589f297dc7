"""Why a server was not reached: which of name, port, route and TLS it was, and the remedy.

HTTP libraries and database drivers wrap what the system said, some of them several times, and show
the outermost. What is found here is the system's own error, and OpenSSL's.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

E = TypeVar("E", bound=BaseException)

_NAMES: Final[Mapping[int, str]] = {
    socket.EAI_NONAME: "there is no such host; is its name spelt right?",
    socket.EAI_NODATA: "there is no such host; is its name spelt right?",
    socket.EAI_AGAIN: "its name cannot be looked up now; does this machine's DNS answer?",
}
_SYSTEM: Final[Mapping[int, str]] = {
    errno.ECONNREFUSED: "refused; does it run, and is the port right?",
    errno.EHOSTUNREACH: "no way leads there; is it up, is a firewall between?",
    errno.ENETUNREACH: "no way leads there; has this machine a network, a route?",
    errno.ETIMEDOUT: "no answer; is a firewall between?",
    errno.EACCES: "this machine forbids it; look at its firewall",
    errno.EPERM: "this machine forbids it; look at its firewall",
    errno.EMFILE: "too many files are open here; raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open here; raise the limit (fs.file-max)",
    errno.EADDRNOTAVAIL: "no local port is free; too many connections are open here",
}
_EXPIRED: Final = "renew it on the server, or set this machine's clock"
_UNKNOWN_AUTHORITY: Final = "its certificate is not trusted"
_CERTIFICATE: Final[Mapping[int, tuple[str, str]]] = {  # by the codes of OpenSSL's x509_vfy.h
    9: ("its certificate is not valid yet", _EXPIRED),
    10: ("its certificate has expired", _EXPIRED),
    12: ("the list of revoked certificates has expired", "renew it"),
    23: ("its certificate is revoked", "let the server have a new one"),
    62: ("its certificate is for another host", "use the name that is in the certificate"),
    64: ("its certificate is for another host", "use the name that is in the certificate"),
    66: ("its certificate has too weak a key", "let the server have a new one"),
    67: ("its authority's certificate has too weak a key", "let the server have another one"),
    68: ("its certificate is signed too weakly", "let the server have a new one"),
}
_AUTHORITY: Final = frozenset({2, 18, 19, 20, 21})
_OWN_FILE: Final = ("NO_CERTIFICATE_OR_CRL_FOUND", "NO_START_LINE", "PEM_LIB", "BAD_BASE64_DECODE")
_NO_TLS: Final = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "RECORD_LAYER_FAILURE",
    "UNKNOWN_PROTOCOL",
)
_TLS: Final = (  # a part of OpenSSL's reason, and its words
    ("PROTOCOL_VERSION", "no version in common; the server has to speak TLS 1.2 or newer"),
    ("UNSUPPORTED_PROTOCOL", "no version in common; the server has to speak TLS 1.2 or newer"),
    ("NO_PROTOCOLS", "no version in common; the server has to speak TLS 1.2 or newer"),
    ("CERTIFICATE_REQUIRED", "the server wants a certificate of ours, and the bridge has none"),
    ("UNRECOGNIZED_NAME", "the server serves no host of this name; is it spelt right?"),
    ("HANDSHAKE_FAILURE", "no cipher in common, or the server wants a certificate of ours"),
    ("UNKNOWN_CA", "the server does not trust us; it wants another certificate of ours"),
)


def causes(error: BaseException, kind: type[E]) -> Iterator[E]:
    """Yield the errors of this kind that an error wraps, itself included, outermost first."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        found = waiting.pop(0)
        if not isinstance(found, BaseException) or id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, kind):
            yield found
        waiting += [getattr(found, "reason", None), *found.args]
        waiting += [found.__cause__, found.__context__]


def why_not_connected(error: BaseException) -> str | None:
    """Return why there is no connection, in words with the remedy.

    Args:
        error: of the system, or what a library made of it.

    Returns:
        The words, the system's own where there are no better ones, or None where it said nothing.
    """
    for name in causes(error, socket.gaierror):
        return _NAMES.get(name.errno or 0, f"its name cannot be looked up ({name.strerror})")
    told = [cause for cause in causes(error, OSError) if cause.errno]
    known = next((cause for cause in told if cause.errno in _SYSTEM), None)
    if known is not None:
        return _SYSTEM[known.errno or 0]
    return next((str(cause.strerror) for cause in told), None)


def why_untrusted(error: ssl.SSLCertVerificationError, authority: str) -> str:
    """Return which check of the server's certificate failed, in words with the remedy.

    Args:
        error: OpenSSL's.
        authority: the setting that names the authorities' certificates.
    """
    code = getattr(error, "verify_code", 0)
    said = getattr(error, "verify_message", "") or str(error)
    if code in _AUTHORITY:
        return f"{_UNKNOWN_AUTHORITY}; set {authority} to the authority's certificate ({said})"
    if "doesn't match" in said:  # of Python's own look at the name, without a code
        code = 62
    what, remedy = _CERTIFICATE.get(code, (_UNKNOWN_AUTHORITY, "see what the server sends"))
    return f"{what}; {remedy} ({said})"


def why_no_tls(error: ssl.SSLError, authority: str) -> str | None:
    """Return why there is no TLS with the server, in words with the remedy.

    Args:
        error: OpenSSL's, of another thing than the server's certificate.
        authority: the setting that names the authorities' certificates.

    Returns:
        The words, or None where the server speaks no TLS at all.
    """
    reason = getattr(error, "reason", None) or ""
    if reason in _NO_TLS:
        return None
    if reason in _OWN_FILE:
        return f"{authority} holds no certificate in PEM ({reason})"
    words = next((words for part, words in _TLS if part in reason), "")
    return f"{words} ({reason})" if words else reason or type(error).__name__
