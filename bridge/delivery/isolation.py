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

from bridge.delivery.status import UNEXPECTED
from bridge.errors import StoreError, StoreMisconfigured, StoreUnavailable
from bridge.model import Outcome, Status
from bridge.outbox import Leased
from bridge.stores import PartlyRecorded, Store

FAILURES_IN_A_ROW: Final = 3
"""Completions that fail alone in a row before it is the store's fault (or ours), not theirs."""

SET_ASIDE_AT_ONCE: Final = 3
"""Completions that are set aside for an unforeseen reason before others have to be recorded."""

RECORDED_FOR_ONE_MORE: Final = 100
"""Completions to be recorded before one more may be set aside for an unforeseen reason."""

SUSPECT_DELAY: Final = 600.0
"""Seconds for which a completion lets others pass that is to blame and may not be set aside yet."""

_MAX_REMEMBERED: Final = 10_000
"""Items that `FailureClassifier` remembers, the latest."""


@dataclass(slots=True)
class BatchResult:
    """What became of a batch.

    Attributes:
        outcomes: of the completions that the store answered for.
        failed: those that failed alone, for a reason nobody foresaw, and that reason.
        left: neither recorded nor refused.
        suspects: to blame for failing, and not to be set aside now. They are neither recorded nor
            among those that are left.
        error: why they are left, or None when the reason is in ``failed``.
        in_a_row: how many failed alone since the last one that was recorded.
    """

    outcomes: list[tuple[Leased, Outcome]] = field(default_factory=list)
    failed: list[tuple[Leased, str]] = field(default_factory=list)
    left: list[Leased] = field(default_factory=list)
    suspects: list[Leased] = field(default_factory=list)
    error: StoreUnavailable | StoreMisconfigured | None = None
    in_a_row: int = 0

    @property
    def given_up(self) -> bool:
        """Return whether what is left is not even worth trying now."""
        return self.error is not None or self.in_a_row >= FAILURES_IN_A_ROW

    @property
    def recorded(self) -> int:
        """Count the completions that the store has recorded. What it refuses proves nothing."""
        return sum(outcome.status is not Status.REJECTED for _, outcome in self.outcomes)

    @property
    def unforeseen(self) -> str | None:
        """Return what nobody foresaw and keeps completions waiting, or None when nothing does."""
        if self.error is not None or not (self.left or self.suspects):
            return None
        which = "several completions fail" if self.recorded else "every completion fails"
        return f"{which}: {self.failed[-1][1]}"


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
    except PartlyRecorded as error:
        _take_apart(items, error, result)
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


def _take_apart(items: Sequence[Leased], error: PartlyRecorded, result: BatchResult) -> None:
    """Note which items the store answered for before it met what is to be mended."""
    result.error = error
    for item, outcome in zip(items, error.outcomes, strict=True):
        if outcome is None:
            result.left.append(item)
        else:
            result.outcomes.append((item, outcome))


def unforeseen(error: Exception) -> str:
    """Describe the exception by its type and place, as nobody knows what its text holds."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    kind = "an error of the store: " if isinstance(error, StoreError) else UNEXPECTED
    return f"{kind}{type(error).__name__}{where}"


class FailureClassifier:
    """Tells completions that no store will ever take from a store, or a bridge, that has a bug.

    What fails beside neighbours that are recorded is to blame itself. When several fail in a row,
    the bug is more likely ours. Then no completion is to blame, but for those that fail again
    although others were recorded meanwhile.

    A bug may also strike every second completion. So only a few are set aside at once, and one more
    for each hundred that are recorded. Not for several threads at once.
    """

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._recorded = 0
        self._allowed = float(SET_ASIDE_AT_ONCE)

    def classify(self, result: BatchResult) -> list[tuple[Leased, str]]:
        """Return which of the failed are set aside, and why.

        The others are put among ``suspects`` when they are to blame, else among ``left``.
        """
        self._note_recorded(result.recorded)
        in_a_row = result.in_a_row >= FAILURES_IN_A_ROW or not result.recorded
        doubtful = min(result.in_a_row, len(result.failed)) if in_a_row else 0
        told_apart = len(result.failed) - doubtful if result.recorded else 0
        to_blame = result.failed[:told_apart]
        for item, reason in result.failed[told_apart:]:
            if self._seen.get(item.id, self._recorded) < self._recorded:
                to_blame.append((item, reason))
            else:
                self._remember(item)
                result.left.append(item)
        return self._set_aside(to_blame, result)

    def _note_recorded(self, count: int) -> None:
        self._recorded += count
        more = count / RECORDED_FOR_ONE_MORE
        self._allowed = min(SET_ASIDE_AT_ONCE, self._allowed + more)

    def _set_aside(
        self, to_blame: Sequence[tuple[Leased, str]], result: BatchResult
    ) -> list[tuple[Leased, str]]:
        """Return those that may be set aside now, and suspect the others."""
        count = min(len(to_blame), int(self._allowed))
        self._allowed -= count
        for item, _ in to_blame[:count]:
            self._seen.pop(item.id, None)
        for item, _ in to_blame[count:]:
            self._remember(item)
            result.suspects.append(item)
        return list(to_blame[:count])

    def _remember(self, item: Leased) -> None:
        """Remember how many were recorded when the item failed first."""
        self._seen.setdefault(item.id, self._recorded)
        while len(self._seen) > _MAX_REMEMBERED:
            self._seen.pop(next(iter(self._seen)))
