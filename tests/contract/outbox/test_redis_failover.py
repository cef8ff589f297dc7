"""A failover behind one address: the connections that were kept lead to what is a replica now."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import redis

from bridge.config import OutboxSettings
from bridge.errors import OutboxUnavailable
from bridge.outbox import Outbox
from bridge.outbox.redis import RedisOutbox
from tests.contract.learners import done, somebody
from tests.servers.need import need
from tests.servers.process import HOST
from tests.servers.redis import Redis


class Address:
    """An address that leads to a server, and for new connections to another when it is told so."""

    def __init__(self, server: Redis) -> None:
        self.server = server
        self._listening = socket.create_server((HOST, 0))
        self.url = f"redis://{HOST}:{self._listening.getsockname()[1]}/0"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection((HOST, self.server.port))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=_pass_on, args=pair, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError), source:
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Redis, Redis]]:
    need("redis")
    with Redis(tmp_path_factory.mktemp("one")) as one, Redis(tmp_path_factory.mktemp("two")) as two:
        yield one, two
        for server in (one, two):
            server.kill()  # told to stop, each would wait for what replicates from it


@pytest.fixture
def address(servers: tuple[Redis, Redis]) -> Iterator[Address]:
    address = Address(servers[0])
    yield address
    address.close()


def put(outbox: Outbox) -> None:
    outbox.put([done(somebody())])


def put_two(outbox: Outbox) -> None:
    outbox.put([done(somebody()), done(somebody())])


def lease(outbox: Outbox) -> None:
    outbox.lease(1, 60)


def request_erasure(outbox: Outbox) -> None:
    outbox.request_erasure(somebody())


@pytest.mark.parametrize("ask", [put, put_two, lease, request_erasure])
def test_after_a_failover_the_new_primary_is_reached(
    servers: tuple[Redis, Redis], address: Address, ask: Callable[[Outbox], None]
) -> None:
    old, new = servers
    outbox = RedisOutbox(OutboxSettings(url=address.url))
    put(outbox)
    address.server = new
    with redis.Redis.from_url(old.url) as admin:
        admin.replicaof(HOST, str(new.port))
    with pytest.raises(OutboxUnavailable, match="noticed by the next try"):
        ask(outbox)
    put(outbox)
    assert outbox.counts().waiting == 1
    outbox.close()
