from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.here import Here, serving


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    """A service that delivers nothing, with guests and without limits."""
    with serving(tmp_path) as service:
        yield service
