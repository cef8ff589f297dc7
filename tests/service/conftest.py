from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.in_process import InProcessService, serving


@pytest.fixture
def service(tmp_path: Path) -> Iterator[InProcessService]:
    """A service that delivers nothing, with guests and without limits."""
    with serving(tmp_path) as running:
        yield running
