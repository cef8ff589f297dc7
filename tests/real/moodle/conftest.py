"""One real Moodle for all tests, laid out of the git directory that the environment names."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.moodle.service import Service
from tests.real.moodle.code import Code
from tests.real.moodle.site import Administrator, Moodle
from tests.servers.need import need
from tests.servers.postgres import Postgres

VARIABLE: Final = "PROGRESS_BRIDGE_TEST_MOODLE"
EXTENSIONS: Final = ("curl", "gd", "intl", "mbstring", "pgsql", "soap", "xml", "zip")


@pytest.fixture(scope="session")
def code() -> Code:
    """Lay Moodle's code, or skip with the reason why there is none."""
    named = os.environ.get(VARIABLE)
    if not named:
        pytest.skip("no Moodle is given: make test-real MOODLE=DIR (see tests/real/README.md)")
    need("php", "postgresql")
    has = subprocess.run(["php", "-m"], capture_output=True, text=True, check=True).stdout.lower()
    missing = [f"php-{name}" for name in EXTENSIONS if name not in has.split()]
    if missing:
        pytest.skip(f"PHP lacks what Moodle needs: apt-get install {' '.join(missing)}")
    code = Code(Path(named))
    code.lay()
    return code


@pytest.fixture(scope="session")
def running_service(tmp_path_factory: pytest.TempPathFactory, code: Code) -> Iterator[Service]:
    """Start the bridge once."""
    with Service(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def bridge(running_service: Service) -> Service:
    """Give the bridge, started again where a test has stopped it."""
    return running_service.start()


@pytest.fixture(scope="session")
def installed(
    code: Code, running_service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Moodle]:
    """Install a Moodle with the plugin from its zip, which knows the bridge."""
    folder = tmp_path_factory.mktemp("moodle")
    with Postgres() as database:
        moodle = Moodle(code, folder, database).install()
        try:
            code.install_plugin(folder / "local_progressbridge.zip")
            moodle.upgrade()
            moodle.know(running_service.url, running_service.port, running_service.key)
            yield moodle.start()
        finally:
            moodle.remove()


@pytest.fixture
def moodle(installed: Moodle, bridge: Service) -> Moodle:
    """Give a Moodle that knows a bridge which runs."""
    return installed


@pytest.fixture(scope="session")
def administrator(installed: Moodle) -> Administrator:
    """Log an administrator in."""
    return Administrator(installed)
