"""One batch into the store, and which of its completions is to blame when that fails.

A store isolates what it refuses by itself and answers `rejected`. What is isolated here is what
nobody foresaw: an exception that is none of the three kinds.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bridge.errors import StoreError, StoreMisconfigured, StoreUnavailable
from bridge.model import Outcome
from bridge.outbox import Leased
from bridge.stores import Store

FAILURES_IN_A_ROW: Final = 20
"""Completions that fail alone in a row before it is the store's fault, not theirs."""

_MAX_REMEMBERED: Final = 10_000
"""Items that `FailureClassifier` remembers, the latest."""


@dataclass(slots=True)
class BatchResult:
    """What became of a batch.

    Attributes:
        outcomes: of the completions that the store answered for.
        failed: those that failed alone, for a reason nobody foresaw, and that reason.
        left: neither recorded nor refused.
        error: why they are left, or None when the reason is in ``failed``.
        in_a_row: how many failed alone since the last one that was recorded.
    """

    outcomes: list[tuple[Leased, Outcome]] = field(default_factory=list)
    failed: list[tuple[Leased, str]] = field(default_factory=list)
    left: list[Leased] = field(default_factory=list)
    error: StoreUnavailable | StoreMisconfigured | None = None
    in_a_row: int = 0

    @property
    def given_up(self) -> bool:
        """Return whether what is left is not even worth trying now."""
        return self.error is not None or self.in_a_row >= FAILURES_IN_A_ROW


def record(store: Store, items: Sequence[Leased]) -> BatchResult:
    """Record the items' completions, and raise nothing that the store raises.

    A batch that fails for an unforeseen reason is halved until what fails stands alone.
    """
    result = BatchResult()
    _record(store, items, result)
    return result


def _record(store: Store, items: Sequence[Leased], result: BatchResult) -> None:
    if result.given_up:
        result.left += items
        return
    try:
        outcomes = store.record([item.completion for item in items])
        result.outcomes += list(zip(items, outcomes, strict=True))
        result.in_a_row = 0
        return
    except (StoreUnavailable, StoreMisconfigured) as error:
        result.error = error
        result.left += items
        return
    except Exception as error:  # noqa: BLE001 -- whatever it is, it must cost no neighbour
        reason = unforeseen(error)
    if len(items) == 1:
        result.failed.append((items[0], reason))
        result.in_a_row += 1
        return
    half = len(items) // 2
    _record(store, items[:half], result)
    _record(store, items[half:], result)


def unforeseen(error: Exception) -> str:
    """Describe the exception by its type and place, as nobody knows what its text holds."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    kind = "an error of the store" if isinstance(error, StoreError) else "unexpected"
    return f"{kind}: {type(error).__name__}{where}"


class FailureClassifier:
    """Tells completions that no store will ever take from a store that takes none.

    What fails beside a neighbour that is recorded is to blame itself. When everything fails, the
    store is more likely to blame. Then no completion is, but for those that fail again although
    others were recorded meanwhile. Not for several threads at once.
    """

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._recorded = 0

    def classify(self, result: BatchResult) -> list[tuple[Leased, str]]:
        """Return which of the failed are to blame, and why, and put the others among ``left``."""
        if result.outcomes:
            self._recorded += 1
        told_apart = len(result.failed) if result.outcomes else 0
        if result.in_a_row >= FAILURES_IN_A_ROW:
            told_apart = len(result.failed) - result.in_a_row
        to_blame = result.failed[:told_apart]
        for item, reason in result.failed[told_apart:]:
            if self._seen.get(item.id, self._recorded) < self._recorded:
                to_blame.append((item, reason))
            else:
                self._seen[item.id] = self._recorded
                result.left.append(item)
        for item, _ in to_blame:
            self._seen.pop(item.id, None)
        while len(self._seen) > _MAX_REMEMBERED:
            self._seen.pop(next(iter(self._seen)))
        return to_blame
