"""One edx-platform for all tests."""

from __future__ import annotations

import pytest

from tests.real.edx.laid import Edx, named

collect_ignore = ["platform", "deliver.py"]  # run in the platform's own process


@pytest.fixture(scope="session")
def edx() -> Edx:
    """Lay the platform, or skip with the reason why there is none."""
    found = named()
    if found is None:
        pytest.skip("no edx-platform is given: make test-real EDX=DIR (see tests/real/README.md)")
    return found.lay()
