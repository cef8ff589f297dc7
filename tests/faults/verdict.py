"""What is in the base and among the dead letters, compared with what was accepted.

Written without the bridge's own merge rule: no two completions of a campaign have the same instant,
so the earliest is the earliest.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bridge.model import Completion
from tests.faults.workload import is_refused

SHOWN: Final = 5

Learner = tuple[str, str]
Key = tuple[str, str, str]
Row = tuple[str, str, str, str | None, str | None, datetime]
"""Origin, external id, grain, module, sequence, instant."""


@dataclass
class Put:
    """One chunk as the ledgers tell of it."""

    completions: Sequence[Completion]
    accepted: bool
    tries: int


@dataclass
class Found:
    """What there is at the end.

    Attributes:
        learners: one for each row of the learners' table.
        rows: one for each row of the progress table.
        dead: the dead letters, each with its reason.
    """

    learners: Sequence[Learner]
    rows: Sequence[Row]
    dead: Sequence[tuple[Completion | None, str]]


@dataclass
class Verdict:
    """What is wrong, each list a sentence for each case. All empty: nothing is.

    Attributes:
        restored: rows that are not there, or later, because the owner restored an older dump.
    """

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    halved: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    neighbours: list[str] = field(default_factory=list)
    accepted: int = 0
    rows: int = 0
    refused: int = 0
    restored: int = 0

    @property
    def faults(self) -> Iterator[str]:
        """Yield every sentence, the first few of each kind."""
        for name in ("lost", "doubled", "halved", "strange", "neighbours"):
            cases = getattr(self, name)
            yield from (f"{name}: {case}" for case in cases[:SHOWN])
            if len(cases) > SHOWN:
                yield f"{name}: and {len(cases) - SHOWN} more"


def judge(puts: Sequence[Put], found: Found, given_up: Collection[Key] = ()) -> Verdict:
    """Compare the two.

    Args:
        puts: what was put.
        found: what there is.
        given_up: rows that the owner threw away, by restoring an older dump. They may be missing,
            or later than they were. What is there has to be right all the same.
    """
    verdict = Verdict(rows=len(found.rows))
    verdict.accepted = sum(len(put.completions) for put in puts if put.accepted)
    verdict.doubled += _repeated("learner", found.learners)
    verdict.doubled += _repeated("row", [row[:3] for row in found.rows])
    recorded = {row[:3]: row for row in found.rows}
    _judge_rows(verdict, puts, recorded, given_up)
    _judge_dead(verdict, puts, found.dead)
    dead = {c for c, _ in found.dead if c is not None}
    _judge_halves(verdict, puts, recorded, dead, given_up)
    known = {key_of(c)[:2] for put in puts for c in put.completions}
    of_rows = {row[:2] for row in found.rows if not _is_made_up(row, {(*w, "") for w in known})}
    # A made-up learner, who has no rows or made-up ones, stays when a store is killed in between.
    known |= {who for who in found.learners if who[0] == "direct" and who not in of_rows}
    verdict.strange += [f"learner {who} was never put" for who in set(found.learners) - known]
    return verdict


def key_of(completion: Completion) -> Key:
    """Return the key of the row that the completion belongs to."""
    who = completion.identity
    return str(who.origin), who.external_user_id, completion.grain_id


def row_of(completion: Completion) -> Row:
    """Return the row that the completion alone makes."""
    of = completion
    return (*key_of(of), of.module_id, of.sequence_id, of.completed_at)


def _judge_rows(
    verdict: Verdict,
    puts: Sequence[Put],
    recorded: dict[Key, Row],
    given_up: Collection[Key],
) -> None:
    """Judge that each row is the earliest accepted, or an earlier one that may have been."""
    earliest: dict[Key, Row] = {}
    possible: dict[Key, set[Row]] = defaultdict(set)
    for put, completion in _good(puts):
        row = row_of(completion)
        possible[row[:3]].add(row)
        if put.accepted:
            before = earliest.setdefault(row[:3], row)
            earliest[row[:3]] = min(row, before, key=_instant)
    for key, row in earliest.items():
        there = recorded.get(key)
        if key in given_up:
            verdict.restored += there is None or _instant(there) > _instant(row)
        elif there is None:
            verdict.lost.append(f"{row} is not there")
        elif _instant(there) > _instant(row):
            verdict.lost.append(f"{row} is not there, but the later {there}")
    for key, row in recorded.items():
        if row not in possible.get(key, ()) and not _is_made_up(row, possible):
            verdict.strange.append(f"{row} was never put")


def _is_made_up(row: Row, possible: Collection[Key]) -> bool:
    """Return whether a store that was killed while it rehearsed left the row, of nobody real."""
    of_somebody = any(key[:2] == row[:2] for key in possible)
    return row[2].startswith("progress-bridge-probe-") and not of_somebody


def _judge_dead(
    verdict: Verdict, puts: Sequence[Put], dead: Sequence[tuple[Completion | None, str]]
) -> None:
    """Judge that the dead are the refused, all of them, each once for each time it was put."""
    letters = Counter(completion for completion, _ in dead)
    verdict.neighbours += [f"{c} is dead: {why}" for c, why in dead if c and not is_refused(c)]
    verdict.strange += [f"{c} is dead for no reason" for c, why in dead if not why.strip()]
    verdict.strange += ["a dead letter cannot be read"] * letters.pop(None, 0)
    for put in puts:
        for completion in filter(is_refused, put.completions):
            there = letters.pop(completion, 0)
            verdict.refused += min(there, 1)
            if put.accepted and not there:
                verdict.lost.append(f"{completion} is refused, and not among the dead")
            if there > put.tries:
                verdict.doubled.append(f"{completion}: {there} letters, put {put.tries} times")
    verdict.strange += [f"{c} is dead, and was never put" for c in letters if c and is_refused(c)]


def _judge_halves(
    verdict: Verdict,
    puts: Sequence[Put],
    recorded: dict[Key, Row],
    dead: set[Completion],
    given_up: Collection[Key],
) -> None:
    """Judge that a chunk whose put was cut short is there whole or not at all."""
    for put in puts:
        if put.accepted:
            continue
        here = [c for c in put.completions if c in dead or recorded.get(key_of(c)) == row_of(c)]
        judged = [c for c in put.completions if key_of(c) not in given_up]
        gone = [c for c in judged if _surely_absent(c, recorded, dead)]
        if here and gone:
            verdict.halved.append(f"{here[0]} is there, {gone[0]} of the same put is not")


def _surely_absent(completion: Completion, recorded: dict[Key, Row], dead: set[Completion]) -> bool:
    """Return whether what is there would be otherwise, had this completion been accepted."""
    if is_refused(completion):
        return completion not in dead
    row = recorded.get(key_of(completion))
    return row is None or _instant(row) > completion.completed_at


def _good(puts: Iterable[Put]) -> Iterator[tuple[Put, Completion]]:
    return ((put, c) for put in puts for c in put.completions if not is_refused(c))


def _repeated(what: str, keys: Sequence[Learner | Key]) -> list[str]:
    return [f"{what} {key} {count} times" for key, count in Counter(keys).items() if count > 1]


def _instant(row: Row) -> datetime:
    return row[-1]
