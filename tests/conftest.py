"""The real servers, each started once in a run, and only when a test asks for it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.servers import chromium
from tests.servers.directus import Directus, create_tables, set_up
from tests.servers.need import need
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


def pytest_configure() -> None:
    """Let a polite kill run the fixtures' ends, as Ctrl-C does: no server is left behind.

    Ctrl-C itself is set as well: whoever starts us in the background may have it ignored.
    """
    for polite in (signal.SIGINT, signal.SIGTERM):
        signal.signal(polite, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL, in which a test makes its own databases."""
    need("postgresql")
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def start_directus(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Directus]]:
    """Start a Directus with the two tables of a fresh base and what `progress-bridge setup` makes.

    They are stopped at the end of the run.
    """
    with ExitStack() as servers:

        def start(version: str, database_url: str | None = None, **env: str) -> Directus:
            need(f"directus-{version}")
            folder = tmp_path_factory.mktemp(f"directus-{version}")
            server = servers.enter_context(Directus(version, folder, database_url, env))
            create_tables(server)
            set_up(server)
            return server

        yield start


@pytest.fixture(scope="session")
def directus_pg(postgres: Postgres, start_directus: Callable[..., Directus]) -> Directus:
    """Run Directus 11 over PostgreSQL: what the bridge is used with."""
    return start_directus("11.17.4", postgres.create_database("directus"))


@pytest.fixture(scope="session")
def directus_sqlite(start_directus: Callable[..., Directus]) -> Directus:
    """Run Directus 11 over SQLite, which gives and changes no more than 100 rows at once."""
    return start_directus("11.17.4", QUERY_LIMIT_MAX="100", MAX_BATCH_MUTATION="100")


@pytest.fixture(scope="session")
def directus_10(postgres: Postgres, start_directus: Callable[..., Directus]) -> Directus:
    """Run Directus 10, the last version without policies (over SQLite it blocks itself)."""
    return start_directus("10.13.4", postgres.create_database("directus_10"))


@pytest.fixture(scope="session")
def directus_12(postgres: Postgres, start_directus: Callable[..., Directus]) -> Directus:
    """Run Directus 12, without a licence."""
    return start_directus("12.4.0", postgres.create_database("directus_12"))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """Run a Redis that keeps what it acknowledged."""
    need("redis")
    with Redis(tmp_path_factory.mktemp("redis"), appendonly=True) as server:
        yield server


@pytest.fixture(scope="session")
def running_browser() -> Iterator[Chrome]:
    need("chromium")
    with chromium.browser("fr") as window:
        yield window


@pytest.fixture
def browser(running_browser: Chrome) -> Chrome:
    """Return the run's one headless Chromium, which asks for French, with nothing of before.

    No cookie, no page of an earlier test that goes on asking, and none of its words in the log.
    """
    running_browser.get("about:blank")
    running_browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    running_browser.get_log("browser")
    return running_browser
