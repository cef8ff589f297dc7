"""What a benchmark measures, and how: two sides in turns, medians."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final, TypeVar

from tests.bench.bed import Bed

ROUNDS: Final = 3
"""How often each side is measured."""

T = TypeVar("T")
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
        """Return whether the bar is reached."""
        figure = self.value if self.ratio is None else self.ratio
        return figure <= self.bar if self.lower_is_better else figure >= self.bar

    def as_json(self) -> str:
        """Write one line, figures to four digits."""
        values = asdict(self)
        rounded = {k: _digits(v) if isinstance(v, float) else v for k, v in values.items()}
        return json.dumps(rounded, ensure_ascii=False)


Bench = Callable[[Bed], Iterable[Result]]


@dataclass(frozen=True, kw_only=True)
class Rival:
    """What the bridge is measured against.

    Attributes:
        side: one round of it, in the same unit.
        against: what it is, in words.
        bar: what is asked of the ratio.
        suffix: tells this result from others of the same benchmark.
    """

    side: Side
    against: str
    bar: float
    suffix: str = ""


def compare(
    name: str,
    ours: Side,
    *rivals: Rival,
    unit: str,
    lower_is_better: bool = False,
    rounds: int = ROUNDS,
) -> Iterator[Result]:
    """Measure ours and all rivals in turns, and yield each's ratio of the medians."""
    mine, *others = interleave(ours, *(rival.side for rival in rivals), rounds=rounds)
    say(f"{name}: {_shown(mine)} {unit}")
    for rival, figures in zip(rivals, others, strict=True):
        say(f"  {rival.against}: {_shown(figures)}")
        yield Result(
            name=name + rival.suffix,
            value=median(mine),
            unit=unit,
            ratio=median(mine) / median(figures),
            against=rival.against,
            bar=rival.bar,
            lower_is_better=lower_is_better,
        )


def interleave(*sides: Side, rounds: int = ROUNDS) -> list[list[float]]:
    """Measure the sides A B A B …, so that what slows the machine down slows all of them."""
    figures: list[list[float]] = [[] for _ in sides]
    for number in range(rounds):
        for side, mine in zip(sides, figures, strict=True):
            mine.append(side(number))
    return figures


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield the items in runs of ``size``, of which the last may be shorter."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def rate(count: int, work: Callable[[], object]) -> float:
    """Return how many a second the work does, when it does ``count`` of them."""
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


def say(text: str) -> None:
    """Print to standard error for the person who waits, as standard output is for results."""
    print(text, file=sys.stderr, flush=True)


def _shown(figures: list[float]) -> str:
    return ", ".join(f"{_digits(figure):g}" for figure in figures)


def _digits(figure: float) -> float:
    return round(figure) if abs(figure) >= 1000 else float(f"{figure:.4g}")
