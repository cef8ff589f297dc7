"""A Directus that is not reached: which of name, port, TLS and proxy it is, and the remedy.

On real sockets and real TLS, with certificates made up here.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from bridge import StoreError, StoreMisconfigured, StoreUnavailable
from bridge.config import Secret, StoreSettings
from bridge.stores.directus.client import DirectusClient
from bridge.stores.directus.failures import ConnectionCut
from bridge.support.connections import why_no_tls, why_not_connected
from tests.servers.process import HOST, closed_port

TOKEN = "s3cret-token-of-the-bridge"
GOOD = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"data":[]}'
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def ca(tmp_path: Path) -> trustme.CA:
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return made


@contextmanager
def serving(
    answer: bytes = GOOD, wrap: Callable[[socket.socket], socket.socket] = lambda plain: plain
) -> Iterator[int]:
    """Answer every connection with this, and yield the port."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with suppress(OSError), connection, wrap(connection) as wrapped:
                wrapped.recv(65536)
                wrapped.sendall(answer)
                # Closed with a part of the request unread, the system would reset the connection.
                wrapped.shutdown(socket.SHUT_WR)
                wrapped.settimeout(5)
                while wrapped.recv(65536):
                    pass

    with socket.create_server((HOST, 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def tls(
    certificate: trustme.LeafCert, change: Callable[[ssl.SSLContext], Any] = lambda _: None
) -> Callable[[socket.socket], socket.socket]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    change(context)
    return lambda plain: context.wrap_socket(plain, server_side=True)


def ask(url: str, **settings: Any) -> StoreError:
    """Ask, and return the error, which holds no token."""
    client = DirectusClient(StoreSettings(url=url, token=Secret(TOKEN), **settings))
    with pytest.raises((StoreUnavailable, StoreMisconfigured)) as raised:
        client.request("POST", "/items/progress", body={})
    client.close()
    assert TOKEN not in str(raised.value)
    assert raised.value.__context__ is None
    return raised.value


def test_a_host_that_does_not_exist_is_told() -> None:
    error = ask("https://no-such-host.invalid")
    assert type(error) is StoreUnavailable
    assert "there is no such host" in str(error) or "cannot be looked up now" in str(error)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_port_where_nobody_listens_is_told(scheme: str) -> None:
    error = ask(f"{scheme}://{HOST}:{closed_port()}")
    assert type(error) is StoreUnavailable
    assert str(error).endswith("no connection: refused; does it run, and is the port right?")


def test_a_host_without_a_way_is_told() -> None:
    error = ask("http://[fe80::1]:8055")
    assert type(error) is StoreUnavailable
    assert "no connection: Invalid argument" in str(error) or "no way" in str(error)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EHOSTUNREACH, "no way leads there"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EPERM, "look at its firewall"),
    ],
)
def test_what_the_system_says_is_told_however_wrapped(number: int, words: str) -> None:
    outer = RuntimeError("outer")
    outer.__cause__ = OSError(number, os.strerror(number))
    assert words in str(why_not_connected(outer))
    assert why_not_connected(RuntimeError("nothing of the system")) is None


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ({"not_before": -30, "not_after": -1}, "its certificate has expired; renew it"),
        ({"not_before": 1, "not_after": 30}, "its certificate is not valid yet; renew it"),
        ({"host": "directus.example.org"}, "its certificate is for another host; use the name"),
        ({"host": "10.9.8.7"}, "its certificate is for another host; use the name"),
    ],
)
def test_the_check_of_the_certificate_that_failed_is_told(
    tmp_path: Path, ca: trustme.CA, certificate: dict[str, Any], words: str
) -> None:
    dates = {n: datetime.now(UTC) + d * DAY for n, d in certificate.items() if n != "host"}
    made = ca.issue_cert(certificate.get("host", HOST), **dates)
    with serving(wrap=tls(made)) as port:
        error = ask(f"https://{HOST}:{port}", ca_file=tmp_path / "ca.pem")
    assert type(error) is StoreMisconfigured
    assert f"TLS failed, {words}" in str(error)


def test_an_unknown_authority_is_told_with_its_setting(ca: trustme.CA) -> None:
    with serving(wrap=tls(ca.issue_cert(HOST))) as port:
        error = ask(f"https://{HOST}:{port}")
    assert type(error) is StoreMisconfigured
    words = "its certificate is not trusted; set store.ca_file to the authority's certificate"
    assert words in str(error)


def test_a_wrong_authority_is_told(tmp_path: Path, ca: trustme.CA) -> None:
    with serving(wrap=tls(trustme.CA().issue_cert(HOST))) as port:
        error = ask(f"https://{HOST}:{port}", ca_file=tmp_path / "ca.pem")
    assert "its certificate is not trusted; set store.ca_file" in str(error)


def test_plain_http_on_the_tls_port_is_told() -> None:
    with serving(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        error = ask(f"https://{HOST}:{port}")
    assert type(error) is StoreMisconfigured
    assert str(error).endswith("if it speaks plain HTTP, let store.url begin with http:")


def test_tls_on_the_plain_port_is_told(ca: trustme.CA) -> None:
    """With the alert that OpenSSL's own server sends, as nginx's stream and Redis do."""
    with serving(b"\x15\x03\x01\x00\x02\x02\x46") as port:
        error = ask(f"http://{HOST}:{port}")
    assert type(error) is StoreMisconfigured
    assert str(error).endswith("it speaks TLS there; let store.url begin with https:")


def test_another_protocol_on_the_port_is_told() -> None:
    with serving(b"SSH-2.0-OpenSSH_9.2\r\n") as port:
        error = ask(f"http://{HOST}:{port}")
    assert type(error) is ConnectionCut
    assert str(error).endswith("the answer is not HTTP; is the port Directus's?")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_a_too_old_tls_is_told(tmp_path: Path, ca: trustme.CA) -> None:
    def only_old(context: ssl.SSLContext) -> None:
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")

    with serving(wrap=tls(ca.issue_cert(HOST), only_old)) as port:
        error = ask(f"https://{HOST}:{port}", ca_file=tmp_path / "ca.pem")
    assert type(error) is StoreMisconfigured
    assert "the server has to speak TLS 1.2 or newer" in str(error)


def test_a_server_that_wants_our_certificate_is_told(tmp_path: Path, ca: trustme.CA) -> None:
    def mutual(context: ssl.SSLContext) -> None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # in 1.3 it often just hangs up
        ca.configure_trust(context)

    with serving(wrap=tls(ca.issue_cert(HOST), mutual)) as port:
        error = ask(f"https://{HOST}:{port}", ca_file=tmp_path / "ca.pem")
    assert type(error) is StoreMisconfigured
    assert "certificate of ours" in str(error)


@pytest.mark.parametrize(
    ("content", "words"),
    [("no certificate", "store.ca_file holds no certificate in PEM"), (None, "there is no file")],
)
def test_a_useless_ca_file_is_told(
    tmp_path: Path, ca: trustme.CA, content: str | None, words: str
) -> None:
    path = tmp_path / "authority.pem"
    if content:
        path.write_text(content)
    with serving(wrap=tls(ca.issue_cert(HOST))) as port:
        error = ask(f"https://{HOST}:{port}", ca_file=path)
    assert type(error) is StoreMisconfigured
    assert words in str(error)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", StoreMisconfigured, "a password"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", StoreMisconfigured, "lets nobody there (HTTP 403)"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", StoreUnavailable, "does not get there (HTTP 502)"),
    ],
)
def test_a_proxy_that_refuses_is_told(
    answer: bytes, kind: type[StoreError], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(answer) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hush@{HOST}:{port}")
        error = ask("https://directus.example.org")
    assert type(error) is kind
    assert words in str(error)
    assert "hush" not in str(error)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_is_told(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{scheme}_proxy".upper(), f"http://{HOST}:{closed_port()}")
    error = ask(f"{scheme}://directus.example.org")
    assert type(error) is StoreUnavailable
    assert "the proxy cannot be reached: refused; does it run" in str(error)
    assert "NO_PROXY" in str(error)


def test_an_unknown_trouble_of_tls_keeps_its_name() -> None:
    error = ssl.SSLError(1, "[SSL: SOMETHING_NEW] something new")
    assert why_no_tls(error, "store.ca_file") == "SSLError"
