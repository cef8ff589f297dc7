"""The XBlock's benchmark at a tiny size: that it runs and what it compares, not how fast."""

from __future__ import annotations

from tests.bench.bed import Bed
from tests.bench.xblock import BENCHES


def test_the_view_is_compared_with_done_xblock() -> None:
    with Bed(0.01) as bed:
        results = [result for bench in BENCHES.values() for result in bench(bed)]
    assert [result.name for result in results] == ["xblock-view"]
    assert all(result.value > 0 and result.against == "done-xblock" for result in results)
