"""The servers that the other tests stand on."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers.directus import Directus
from tests.servers.postgres import Postgres
from tests.servers.process import HOST, HeldPort, PortTaken, Server, ServerError, listening
from tests.servers.redis import Redis

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


def test_postgresql_answers_a_query(postgres: Postgres) -> None:
    assert postgres.psql("postgres", "SELECT 6 * 7").stdout.strip() == "42"


def test_psql_stops_at_the_first_error(postgres: Postgres) -> None:
    with pytest.raises(ServerError, match="no_such_table"):
        postgres.psql("postgres", "SELECT * FROM no_such_table; SELECT 1")


def test_a_dump_of_an_untouched_database_never_changes(postgres: Postgres) -> None:
    postgres.create_database("dumped")
    postgres.psql("dumped", "CREATE TABLE t (id integer)")
    assert postgres.dump("dumped") == postgres.dump("dumped")


def test_a_crash_of_postgresql_loses_no_commit() -> None:
    with Postgres() as server:
        server.psql("postgres", "CREATE TABLE t AS SELECT 1 AS id")
        server.kill()
        assert not server.running
        server.start()
        assert server.psql("postgres", "SELECT id FROM t").stdout.strip() == "1"


@pytest.mark.parametrize("name", ["directus_pg", "directus_sqlite", "directus_10", "directus_12"])
def test_directus_serves_the_two_tables_to_its_admin(
    name: str, request: pytest.FixtureRequest
) -> None:
    directus: Directus = request.getfixturevalue(name)
    assert directus.request("POST", "/utils/cache/clear?system").ok
    learners = directus.request("GET", "/fields/apprenants").json()["data"]
    types = {field["field"]: field["type"] for field in learners}
    assert {"origin": "string", "date_creation": "timestamp"}.items() <= types.items()
    assert directus.request("GET", "/items/progress").ok


def test_redis_keeps_what_it_acknowledged_over_a_crash(tmp_path: Path) -> None:
    with Redis(tmp_path, appendonly=True) as server:
        assert _redis(server, "SET key value") == "+OK"
        server.kill()
        server.start()
        assert _redis(server, "GET key") == "$5\r\nvalue"


def _redis(server: Redis, command: str) -> str:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(command.encode() + b"\r\n")
        return connection.recv(100).decode().strip()


def test_the_browser_opens_pages_in_french(browser: Chrome) -> None:
    browser.get("data:text/html,<title>Bonjour</title>")
    assert browser.title == "Bonjour"
    script = "return navigator.language"
    assert browser.execute_script(script).startswith("fr")


def test_a_held_port_refuses_and_stays_ours() -> None:
    with HeldPort() as port:
        with pytest.raises(PortTaken, match=f"port {port.number} is taken"):
            HeldPort(port.number)
        assert not listening(port.number)
    HeldPort(port.number).close()


def test_port_or_any_avoids_a_listener() -> None:
    with socket.create_server((HOST, 0)) as other:
        assert HeldPort.this_or_any(other.getsockname()[1]).number != other.getsockname()[1]


def test_a_held_port_survives_its_servers_restart(tmp_path: Path) -> None:
    with Redis(tmp_path) as server:
        assert listening(server.port)
        server.stop()
        with pytest.raises(PortTaken):
            HeldPort(server.port)
        assert listening(server.start().port)


def test_the_system_never_chooses_a_held_port() -> None:
    held = {port.number: port for port in (HeldPort() for _ in range(200))}
    for _ in range(1000):
        with socket.create_server((HOST, 0)) as chosen:
            assert chosen.getsockname()[1] not in held


class _Broken(Server):
    def command(self) -> list[str]:
        return ["sh", "-c", "echo the disk is on fire; exit 3"]


def test_a_failed_start_shows_the_logs_end(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"exit code 3(?s:.*)the disk is on fire"):
        _Broken("broken", tmp_path).start()
