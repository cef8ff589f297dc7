"""What a test does that needs a component which is not installed."""

from __future__ import annotations

import os

import pytest

from tests.servers import provision


def need(*components: str) -> None:
    """Skip the test, saying why, when a component is not installed, or fail it with ``CI=true``."""
    reasons = [reason for name in components if (reason := provision.missing(name))]
    if reasons and os.environ.get("CI") == "true":
        pytest.fail("; ".join(reasons), pytrace=False)
    if reasons:
        pytest.skip("; ".join(reasons))
