"""Earliest wins, on sequences nobody thought of: shuffled, repeated, split over two writers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge import Completion, Identity, Progress, Status
from bridge.stores import Store
from tests.contract.conftest import Place
from tests.contract.learners import NOON, somebody


@dataclass(frozen=True)
class Step:
    """One completion of a sequence, of a learner who is given a name only when it runs."""

    learner: int
    grain: str
    hours: int
    module: str | None
    sequence: str | None

    def of(self, learners: list[Identity]) -> Completion:
        instant = NOON + timedelta(hours=self.hours)
        return Completion(learners[self.learner], self.grain, self.module, self.sequence, instant)


steps = st.builds(
    Step,
    st.integers(0, 2),
    st.sampled_from("gh"),
    st.integers(0, 3),
    st.sampled_from([None, "m", "n"]),
    st.sampled_from([None, "s"]),
)


@st.composite
def deliveries(draw: st.DrawFn) -> list[list[Step]]:
    """Generate completions, some of them repeated, in any order, cut into batches."""
    once = draw(st.lists(steps, min_size=1, max_size=12))
    repeated = draw(st.lists(st.sampled_from(once), max_size=6))
    shuffled = draw(st.permutations(once + repeated))
    size = draw(st.integers(1, len(shuffled)))
    return [shuffled[n : n + size] for n in range(0, len(shuffled), size)]


def expected(completions: list[Completion], who: Identity) -> list[Progress]:
    """Work out the record that earliest-wins gives, without any of the bridge's merging."""
    best: dict[str, Progress] = {}
    for completion in completions:
        if completion.identity == who:
            progress = completion.progress
            kept = best.get(progress.grain_id, progress)
            best[progress.grain_id] = min(kept, progress, key=rank)
    return sorted(best.values(), key=lambda row: (rank(row), row.grain_id))


def rank(row: Progress) -> tuple[object, ...]:
    return (
        row.completed_at,
        row.module_id is None,
        row.module_id or "",
        row.sequence_id is None,
        row.sequence_id or "",
    )


def check(batches: list[list[Step]], writers: list[Store]) -> None:
    """Deliver the batches, spread over the writers, and compare the end with the model's."""
    learners = [somebody(origin) for origin in ("moodle", "funmooc", "direct")]
    made = [[step.of(learners) for step in batch] for batch in batches]
    with ThreadPoolExecutor(len(writers)) as pool:
        jobs = [
            pool.submit(record_all, writer, made[n :: len(writers)])
            for n, writer in enumerate(writers)
        ]
    statuses = [status for job in jobs for status in job.result()]
    completions = [completion for batch in made for completion in batch]
    records = {who: expected(completions, who) for who in learners}
    assert {who: writers[0].progress(who) for who in learners} == records
    assert len(statuses) == len(completions)
    assert statuses.count(Status.CREATED) == sum(map(len, records.values()))


def record_all(store: Store, batches: list[list[Completion]]) -> list[Status]:
    return [outcome.status for batch in batches for outcome in store.record(batch)]


def run(place: Place, writers: list[Store]) -> None:
    """Try as many generated deliveries as the place can take."""

    @settings(
        max_examples=place.examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(deliveries())
    def example(batches: list[list[Step]]) -> None:
        check(batches, writers)

    example()


def test_every_delivery_order_ends_in_the_same_record(place: Place) -> None:
    run(place, [place.open()])


def test_two_concurrent_writers_end_in_the_same_record(place: Place) -> None:
    run(place, [place.open(), place.open()])
