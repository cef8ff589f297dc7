"""The XBlock's benchmarks at tiny sizes: that they run and what they compare, not how fast."""

from __future__ import annotations

from tests.bench.bed import Bed
from tests.bench.xblock import BENCHES
from tests.servers.need import need


def test_the_view_and_the_handler_are_compared_with_done_xblock() -> None:
    need("redis")
    with Bed(0.01) as bed:
        results = [result for bench in BENCHES.values() for result in bench(bed)]
    assert [result.name for result in results] == [
        "xblock-view",
        "xblock-handler",
        "xblock-handler-in-memory",
        "xblock-handler-redis",
        "xblock-handler-redis-in-memory",
    ]
    assert all(result.value > 0 and result.against == "done-xblock" for result in results)
