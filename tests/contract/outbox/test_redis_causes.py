"""Each thing that keeps a Redis from its part is told in words of its own, with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
import trustme

from bridge.config import OutboxSettings
from bridge.delivery.loop import Delivery
from bridge.delivery.status import State, overview
from bridge.errors import OutboxMisconfigured, OutboxUnavailable
from bridge.outbox.redis import RedisOutbox
from bridge.stores.memory import MemoryStore
from tests.contract.learners import done, somebody
from tests.servers.need import need
from tests.servers.process import HOST, closed_port
from tests.servers.redis import Redis

SECRET = "the-password"


class TLSRedis(Redis):
    """A Redis that speaks TLS alone.

    Args:
        folder: for its files.
        authority: whose certificates it has.
        host: that its certificate names.
        words: more settings.
    """

    def __init__(
        self,
        folder: Path,
        authority: trustme.CA,
        host: str = HOST,
        until: datetime | None = None,
        words: Sequence[str] = ("--tls-auth-clients", "no"),
    ) -> None:
        super().__init__(folder)
        certificate = authority.issue_cert(host, not_after=until)
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
        certificate.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
        self._words = words

    def command(self) -> Sequence[str | Path]:
        files = {"cert": "cert.pem", "key": "key.pem", "ca-cert": "ca.pem"}
        named = [w for k, f in files.items() for w in (f"--tls-{k}-file", str(self.folder / f))]
        plain = [str(word) for word in super().command()]
        plain[plain.index("--port")] = "--tls-port"
        return [*plain, "--port", "0", *named, *self._words]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    need("redis")
    return trustme.CA()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    need("redis")
    with Redis(tmp_path_factory.mktemp("causes"), appendonly=True) as server:
        yield server


def opened(url: str) -> RedisOutbox:
    return RedisOutbox(OutboxSettings(url=url, timeout=2.0, prefix="causes:"))


def told(url: str) -> OutboxUnavailable:
    """The error of a put, which `check` and a deliverer tell alike."""
    with closing(opened(url)) as outbox:
        with pytest.raises(OutboxUnavailable) as caught:
            outbox.put([done(somebody())])
        error = caught.value
        assert error.remedy
        (finding,) = [finding for finding in outbox.check() if not finding.ok and finding.fatal]
        assert error.reason in finding.message
        assert finding.remedy == error.remedy
        delivery = Delivery(outbox, MemoryStore())
        delivery.step()
        paused = isinstance(error, OutboxMisconfigured)
        assert delivery.report().state is (State.PAUSED if paused else State.RETRYING)
    assert SECRET not in f"{error!r} {error.__cause__!r} {finding}"
    return error


def test_no_such_host_is_told() -> None:
    error = told(f"redis://:{SECRET}@no-such-host.invalid:6379/0")
    assert "no such host" in str(error)
    assert not isinstance(error, OutboxMisconfigured)


def test_a_refused_connection_is_told() -> None:
    error = told(f"redis://{HOST}:{closed_port()}/0")
    assert "refused" in str(error)
    assert not isinstance(error, OutboxMisconfigured)


def test_a_database_that_is_not_there_is_told(server: Redis) -> None:
    error = told(f"redis://{HOST}:{server.port}/99")
    assert "no database of that number" in str(error)
    assert isinstance(error, OutboxMisconfigured)


def test_a_wrong_password_pauses(server: Redis) -> None:
    with redis.Redis.from_url(server.url) as admin:
        admin.config_set("requirepass", "right")
        try:
            error = told(f"redis://:{SECRET}@{HOST}:{server.port}/0")
        finally:
            with redis.Redis.from_url(f"redis://:right@{HOST}:{server.port}/0") as again:
                again.config_set("requirepass", "")
    assert "refuses the user or the password" in str(error)
    assert isinstance(error, OutboxMisconfigured)


def test_too_many_clients_are_told(server: Redis) -> None:
    with redis.Redis.from_url(server.url) as admin:
        admin.config_set("maxclients", 1)
        try:
            error = told(server.url)
        finally:
            admin.config_set("maxclients", 1000)
    assert "as many clients as it allows" in str(error)
    assert not isinstance(error, OutboxMisconfigured)


def test_what_is_no_redis_is_told(server: Redis, authority: trustme.CA, tmp_path: Path) -> None:
    with TLSRedis(tmp_path, authority) as other:
        assert "rediss://" in told(f"redis://{HOST}:{other.port}/0").remedy
    error = told(f"rediss://{HOST}:{server.port}/0")
    assert "TLS: it does not answer as TLS does" in str(error)


YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.mark.parametrize(
    ("certificate", "query", "words"),
    [
        ({}, "", "nobody we trust has signed its certificate"),
        ({}, "?ssl_ca_certs={folder}/none.pem", "certificate file that outbox.url names"),
        ({"host": "other.example.org"}, "?ssl_ca_certs={folder}/ca.pem", "of another host"),
        ({"until": YESTERDAY}, "?ssl_ca_certs={folder}/ca.pem", "is not valid today"),
    ],
)
def test_which_check_of_tls_failed_is_told(
    authority: trustme.CA, tmp_path: Path, certificate: dict[str, Any], query: str, words: str
) -> None:
    with TLSRedis(tmp_path, authority, **certificate) as server:
        error = told(f"rediss://{HOST}:{server.port}/0{query.format(folder=tmp_path)}")
    assert "TLS: " in str(error)
    assert words in str(error)
    assert isinstance(error, OutboxMisconfigured)


def test_a_wanted_certificate_of_ours_is_told(authority: trustme.CA, tmp_path: Path) -> None:
    """Redis refuses after the handshake: the alert, or a reset, comes with the first answer."""
    with TLSRedis(tmp_path, authority, words=("--tls-auth-clients", "yes")) as server:
        outbox = opened(f"rediss://{HOST}:{server.port}/0?ssl_ca_certs={tmp_path}/ca.pem")
        with closing(outbox):
            error = outbox.trouble()
    assert error is not None
    assert "ssl_certfile" in error.remedy


def test_a_trusted_certificate_is_taken(authority: trustme.CA, tmp_path: Path) -> None:
    with TLSRedis(tmp_path, authority) as server:
        outbox = opened(f"rediss://{HOST}:{server.port}/0?ssl_ca_certs={tmp_path}/ca.pem")
        with closing(outbox):
            outbox.put([done(somebody())])
            assert outbox.counts().waiting == 1


def test_without_memory_status_names_it(server: Redis) -> None:
    with closing(opened(server.url)) as outbox, redis.Redis.from_url(server.url) as admin:
        outbox.put([done(somebody())])
        admin.config_set("maxmemory", 1)
        try:
            found = overview(outbox)
            assert (found.state, "out of memory" in found.why) == (State.RETRYING, True)
            assert "maxmemory" in found.remedy
        finally:
            admin.config_set("maxmemory", 0)
        assert overview(outbox).state is State.STOPPED


def test_to_check_touches_no_item(server: Redis) -> None:
    settings = OutboxSettings(url=server.url, prefix="untouched:")
    with closing(RedisOutbox(settings)) as outbox, redis.Redis.from_url(server.url) as admin:
        outbox.put([done(somebody(), grain) for grain in "abc"])
        (leased,) = outbox.lease(1, 60)
        before = sorted(admin.keys("*untouched:*"))
        assert all(finding.ok for finding in outbox.check())
        assert sorted(admin.keys("*untouched:*")) == before
        assert outbox.done([leased]) == 1
        assert [item.completion.grain_id for item in outbox.lease(5, 60)] == ["b", "c"]


@pytest.mark.parametrize("right", ["-xreadgroup", "-xautoclaim", "-xack", "-hset", "-zadd", "-del"])
def test_a_right_that_only_delivery_needs_is_found(server: Redis, right: str) -> None:
    with redis.Redis.from_url(server.url, decode_responses=True) as admin:
        rights = ("reset", "on", ">pw", "~*", "+@all", right)
        admin.execute_command("ACL", "SETUSER", "limited", *rights)
        try:
            with closing(opened(f"redis://limited:pw@{HOST}:{server.port}/0")) as outbox:
                error = outbox.trouble()
            assert isinstance(error, OutboxMisconfigured)
            assert "ACL forbids" in error.reason
            assert "ACL SETUSER" in error.remedy
            assert admin.keys("*rehearsal*") == []
        finally:
            admin.acl_deluser("limited")
