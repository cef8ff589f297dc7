"""The benchmarks themselves, at tiny sizes: that they run and what they print, not how fast."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields

import pytest

from tests.bench.__main__ import BENCHES
from tests.bench.bed import Bed
from tests.bench.measure import Result, Rival, compare, interleave
from tests.servers import ROOT
from tests.servers.directus import Directus
from tests.servers.postgres import Postgres

KEYS = {"name", "value", "unit", "ratio", "against", "bar", "lower_is_better"}


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.bench", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_standard_output_is_one_json_object_a_line() -> None:
    done = bench("--scale", "0.001", "sqlite-memory")
    (line,) = done.stdout.splitlines()
    result = json.loads(line)
    assert result.keys() == KEYS
    assert result["name"] == "sqlite-memory"
    assert 10 < result["value"] < 150
    assert "1,000 completions" in done.stderr


def test_an_unknown_benchmark_is_refused_naming_the_known() -> None:
    done = bench("sqlite-memori")
    assert done.returncode == 2
    assert done.stdout == ""
    assert all(name in done.stderr for name in BENCHES)


@pytest.mark.parametrize(
    "name", [name for name in BENCHES if name.startswith(("directus-", "delivery"))]
)
def test_the_directus_benchmarks_write_what_they_say(name: str, directus_pg: Directus) -> None:
    with Bed(0.003, directus=directus_pg) as bed:
        (result,) = BENCHES[name](bed)
    assert result.name == name
    assert result.value > 0
    assert result.ratio is not None


def test_the_sql_benchmark_compares_both_ways_by_hand(postgres: Postgres) -> None:
    with Bed(0.001, postgres=postgres) as bed:
        results = list(BENCHES["sql-postgresql"](bed))
    assert [result.name for result in results] == ["sql-postgresql", "sql-postgresql-arrays"]
    assert len({result.value for result in results}) == 1


def test_sides_take_turns() -> None:
    turns: list[str] = []

    def side(name: str) -> float:
        turns.append(name)
        return float(len(turns))

    figures = interleave(lambda n: side(f"a{n}"), lambda n: side(f"b{n}"), rounds=3)
    assert turns == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert figures == [[1, 3, 5], [2, 4, 6]]


def test_a_ratio_is_that_of_the_medians() -> None:
    ours, theirs = iter([1.0, 300.0, 30.0]), iter([10.0, 15.0, 900.0])
    rival = Rival(side=lambda _: next(theirs), against="theirs", bar=2.5, suffix="-more")
    (result,) = compare("name", lambda _: next(ours), rival, unit="rows/s")
    assert (result.name, result.value, result.ratio) == ("name-more", 30, 2)
    assert not result.met


@pytest.mark.parametrize(
    ("value", "ratio", "lower_is_better", "met"),
    [
        (1.0, 2.0, False, True),
        (9.0, 1.9, False, False),
        (9.0, 1.9, True, True),
        (1.0, 2.1, True, False),
        (2.1, None, False, True),
        (2.1, None, True, False),
    ],
)
def test_the_bar_is_for_the_ratio_if_any(
    value: float, ratio: float | None, lower_is_better: bool, met: bool
) -> None:
    result = Result(
        name="x", value=value, unit="s", ratio=ratio, bar=2.0, lower_is_better=lower_is_better
    )
    assert result.met is met


def test_a_line_has_every_field_and_four_digits() -> None:
    result = Result(name="é", value=12345.678, unit="s", ratio=0.123456, bar=15)
    line = result.as_json()
    assert json.loads(line).keys() == KEYS == {field.name for field in fields(Result)}
    assert '"name": "é", "value": 12346, "unit": "s", "ratio": 0.1235' in line
