"""A bridge that is really there, and a Moodle made of stand-ins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.moodle.service import Service
from tests.moodle.site import Site
from tests.servers.need import need


@pytest.fixture(scope="session", autouse=True)
def php() -> None:
    """PHP and what the stand-ins need of it."""
    need("php")


@pytest.fixture(scope="session")
def running_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service, started once; a test that stops it starts it again."""
    with Service(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def bridge(running_service: Service) -> Service:
    """The service, running."""
    return running_service.start()


@pytest.fixture
def bare_site(tmp_path: Path) -> Site:
    """A Moodle where the plugin has just been installed."""
    folder = tmp_path / "moodle"
    folder.mkdir()
    return Site(folder)


@pytest.fixture
def site(bare_site: Site, bridge: Service) -> Site:
    """A Moodle that knows the bridge."""
    bare_site.configure(bridge.url, bridge.key)
    return bare_site


@pytest.fixture
def learner(site: Site, unused_user: Iterator[int]) -> int:
    """A learner of the site whom no other test uses."""
    user = next(unused_user)
    site.add_user(user)
    return user


@pytest.fixture(scope="session")
def unused_user() -> Iterator[int]:
    """Ids that no test has used: the service is shared."""
    return iter(range(1000, 10**9, 1000))
