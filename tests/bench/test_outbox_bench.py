"""The outbox's benchmarks at tiny sizes: that they run and what they compare, not how fast."""

from __future__ import annotations

import pytest

from tests.bench.bed import Bed
from tests.bench.outbox import BENCHES


@pytest.mark.parametrize(
    ("name", "suffixes"),
    [
        ("outbox-put", ["", "-persist-queue", "-huey"]),
        ("outbox-put-threads", ["", "-one-processor"]),
        ("outbox-full", ["-put", "-lease", "-counts"]),
    ],
)
def test_each_outbox_benchmark_yields_its_comparisons(name: str, suffixes: list[str]) -> None:
    with Bed(0.005) as bed:
        results = list(BENCHES[name](bed))
    assert [result.name for result in results] == [name + suffix for suffix in suffixes]
    assert all(result.value > 0 and result.ratio for result in results)
