"""What a campaign came to, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from tests.faults.faults import FAULTS
from tests.faults.verdict import Verdict


@dataclass
class Survival:
    """One kind of fault.

    Attributes:
        times: how often it struck.
        back: seconds from the end of each until what was put then was delivered.
        stuck: how often that did not come about.
    """

    times: int = 0
    back: list[float] = field(default_factory=list)
    stuck: int = 0


@dataclass
class Report:
    """One campaign.

    Attributes:
        memory: the steady deliverer's, in MB, early and late.
        erased: learners whose erasure was asked for.
        complaints: what went wrong besides the verdict, one text each.
    """

    seed: int
    outbox: str
    count: int
    survivals: dict[str, Survival] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=Verdict)
    memory: tuple[float, float] = (0.0, 0.0)
    erased: int = 0
    seconds: float = 0.0
    complaints: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """Return all that went wrong, in sentences, empty when the campaign is passed."""
        return [*self.verdict.faults, *self.complaints]

    def as_markdown(self) -> str:
        """Write the table, and the totals beneath it."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield f"| Fault ({self.outbox} outbox) | Times | Survived | Delivering again after |"
        yield "| --- | --: | --: | --: |"
        for name, of in sorted(
            self.survivals.items(), key=lambda item: list(FAULTS).index(item[0])
        ):
            back = f"{median(of.back):.1f} s (at most {max(of.back):.1f} s)" if of.back else "–"
            yield f"| {name} | {of.times} | {of.times - of.stuck} | {back} |"
        times = sum(of.times for of in self.survivals.values())
        survived = times - sum(of.stuck for of in self.survivals.values())
        yield f"| **all** | **{times}** | **{survived}** | |"
        yield ""
        yield from self._totals()

    def _totals(self) -> Iterator[str]:
        verdict = self.verdict
        yield (
            f"Seed {self.seed}: {verdict.accepted:,} completions accepted, {verdict.rows:,} rows; "
            f"{len(verdict.lost)} lost, {len(verdict.doubled)} doubled, "
            f"{len(verdict.halved)} halved, {len(verdict.strange)} that nobody put; "
            f"{verdict.refused} that the base refuses, all among the dead letters, with "
            f"{len(verdict.neighbours)} of their neighbours. "
            f"{verdict.restored} rows that the owner threw away by restoring an older dump. "
            f"{self.erased} learners erased meanwhile. A deliverer's memory: "
            f"{self.memory[0]:.0f} MB early, {self.memory[1]:.0f} MB late. "
            f"{self.seconds / 60:.0f} minutes."
        )
