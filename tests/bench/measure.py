"""What a benchmark measures, and how: two sides in turns, medians."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final

from tests.bench.bed import Bed

ROUNDS: Final = 3
"""How often each side is measured."""

Side = Callable[[int], float]
"""Does one round (0, 1, 2, …) and gives its figure, mostly a rate."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One line of the output.

    Attributes:
        name: the benchmark's own, with more after it where it yields several.
        value: the bridge's own figure.
        unit: of ``value``.
        ratio: ``value`` divided by the other side's; None when there is no other side.
        against: what the other side is.
        bar: what is asked of ``ratio``, or of ``value`` when there is no ratio.
        lower_is_better: whether the bar is a most, not a least.
    """

    name: str
    value: float
    unit: str
    ratio: float | None = None
    against: str | None = None
    bar: float
    lower_is_better: bool = False

    @property
    def met(self) -> bool:
        """Whether the bar is reached."""
        figure = self.value if self.ratio is None else self.ratio
        return figure <= self.bar if self.lower_is_better else figure >= self.bar

    def as_json(self) -> str:
        """One line, figures to four digits."""
        values = asdict(self)
        rounded = {k: _digits(v) if isinstance(v, float) else v for k, v in values.items()}
        return json.dumps(rounded, ensure_ascii=False)


Bench = Callable[[Bed], Iterable[Result]]


def compare(
    name: str,
    ours: Side,
    theirs: Side,
    *,
    unit: str,
    against: str,
    bar: float,
    lower_is_better: bool = False,
    rounds: int = ROUNDS,
) -> Result:
    """Measure both sides in turns; the ratio is that of their medians."""
    mine, other = interleave(ours, theirs, rounds=rounds)
    say(f"{name}: {_shown(mine)} {unit}; {against}: {_shown(other)}")
    return Result(
        name=name,
        value=median(mine),
        unit=unit,
        ratio=median(mine) / median(other),
        against=against,
        bar=bar,
        lower_is_better=lower_is_better,
    )


def interleave(*sides: Side, rounds: int = ROUNDS) -> list[list[float]]:
    """Each side's figures, measured A B A B …: what slows the machine down slows all of them."""
    figures: list[list[float]] = [[] for _ in sides]
    for number in range(rounds):
        for side, mine in zip(sides, figures, strict=True):
            mine.append(side(number))
    return figures


def rate(count: int, work: Callable[[], object]) -> float:
    """How many a second, when the work does ``count`` of them."""
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


def say(text: str) -> None:
    """Tell the person who waits; standard output is for results."""
    print(text, file=sys.stderr, flush=True)


def _shown(figures: list[float]) -> str:
    return ", ".join(f"{_digits(figure):g}" for figure in figures)


def _digits(figure: float) -> float:
    return round(figure) if abs(figure) >= 1000 else float(f"{figure:.4g}")
