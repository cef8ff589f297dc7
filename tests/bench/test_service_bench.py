"""The service's benchmarks at tiny sizes: that they run and what they tell, not how fast."""

from __future__ import annotations

import pytest

from tests.bench.bed import Bed
from tests.bench.service import BENCHES


@pytest.mark.parametrize("name", BENCHES)
def test_the_service_benchmarks_run(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Bed(0.01) as bed:
        (result,) = BENCHES[name](bed)
    assert result.name == name
    assert result.value > 0
    assert result.ratio
    told = capsys.readouterr().err
    if name == "service-single":
        assert "service, idle: " in told
        assert "99 of 100 within" in told
