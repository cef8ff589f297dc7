"""The campaign's judge sees what is wrong: a judge who sees nothing would praise any bridge."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bridge.model import Completion, Identity
from tests.faults.verdict import Found, Put, judge, key_of, row_of
from tests.faults.workload import Workload, instant_of, is_refused

EARLY = Completion(Identity("moodle", 7), "grain-1", "module-1", None, instant_of(0))
LATE = replace(EARLY, completed_at=EARLY.completed_at + timedelta(days=1))
OTHER = Completion(Identity("moodle", 8), "grain-1", None, None, instant_of(2))
REFUSED = Completion(Identity("moodle", 8), "refused-500-1", None, None, instant_of(3))
ACCEPTED = Put([EARLY, LATE, OTHER, REFUSED], accepted=True, tries=1)
CUT_SHORT = replace(ACCEPTED, accepted=False)


def found(*completions: Completion, dead: tuple[Completion, ...] = (REFUSED,)) -> Found:
    learners = sorted({key_of(c)[:2] for c in completions})
    return Found(learners, [row_of(c) for c in completions], [(c, "why") for c in dead])


def test_earliest_there_and_refused_dead_is_right() -> None:
    verdict = judge([ACCEPTED], found(EARLY, OTHER))
    assert list(verdict.faults) == []
    assert (verdict.accepted, verdict.rows, verdict.refused) == (4, 2, 1)


def test_a_missing_row_is_lost() -> None:
    assert len(judge([ACCEPTED], found(EARLY)).lost) == 1


def test_a_later_one_means_the_earlier_lost() -> None:
    assert len(judge([ACCEPTED], found(LATE, OTHER)).lost) == 1


def test_a_refused_completion_not_dead_is_lost() -> None:
    assert len(judge([ACCEPTED], found(EARLY, OTHER, dead=())).lost) == 1


def test_what_a_restore_threw_away_may_be_missing() -> None:
    given_up = {key_of(EARLY)}
    for there in ([OTHER], [LATE, OTHER], [EARLY, OTHER]):
        assert list(judge([ACCEPTED], found(*there), given_up).faults) == []
    assert judge([ACCEPTED], found(OTHER), given_up).restored == 1
    assert judge([ACCEPTED], found(EARLY, OTHER), given_up).restored == 0
    assert len(judge([ACCEPTED], found(), given_up).lost) == 1


def test_after_a_restore_anothers_row_is_strange() -> None:
    mixed = replace(OTHER, identity=EARLY.identity)
    assert len(judge([ACCEPTED], found(mixed, OTHER), {key_of(EARLY)}).strange) == 1


def test_two_rows_of_the_same_are_doubled() -> None:
    assert len(judge([ACCEPTED], found(EARLY, LATE, OTHER)).doubled) == 1
    twice = found(EARLY, OTHER)
    twice.learners = [*twice.learners, *twice.learners]
    assert len(judge([ACCEPTED], twice).doubled) == 2


def test_more_dead_letters_than_puts_are_doubled() -> None:
    dead = (REFUSED, REFUSED)
    assert len(judge([ACCEPTED], found(EARLY, OTHER, dead=dead)).doubled) == 1
    assert not judge([replace(ACCEPTED, tries=2)], found(EARLY, OTHER, dead=dead)).doubled


def test_a_row_mixed_or_never_put_is_strange() -> None:
    mixed = replace(EARLY, module_id=None)
    assert len(judge([ACCEPTED], found(mixed, OTHER)).strange) == 1
    nobody = replace(OTHER, identity=Identity("moodle", 9))
    assert len(judge([ACCEPTED], found(EARLY, OTHER, nobody)).strange) == 2


def test_a_good_item_among_dead_is_a_neighbour() -> None:
    assert len(judge([ACCEPTED], found(EARLY, OTHER, dead=(REFUSED, OTHER))).neighbours) == 1


def test_a_put_cut_short_is_whole_or_absent() -> None:
    assert list(judge([CUT_SHORT], found(EARLY, OTHER)).faults) == []
    assert list(judge([CUT_SHORT], found(dead=())).faults) == []
    assert len(judge([CUT_SHORT], found(EARLY)).halved) == 1
    assert len(judge([CUT_SHORT], found(EARLY, OTHER, dead=())).halved) == 1
    assert len(judge([CUT_SHORT], found(dead=(REFUSED,))).halved) == 1


def test_a_seeds_workload_has_all_a_campaign_needs() -> None:
    def all_of(seed: int) -> list[Completion]:
        workload = Workload(seed, count=6000, writers=2, refused_every=100)
        return [c for writer in (0, 1) for chunk in workload.chunks(writer) for c in chunk]

    completions = all_of(1)
    assert completions == all_of(1)
    assert completions != all_of(2)
    assert len(completions) == 6000
    assert len({c.completed_at for c in completions}) == 6000
    assert {c.identity.origin for c in completions} == {"moodle", "funmooc", "direct"}
    assert sum(map(is_refused, completions)) == 60
    assert len({c.identity for c in completions if is_refused(c)}) > 30
    assert len({key_of(c) for c in completions}) < 5000


def test_a_made_up_learner_left_behind_is_nobody() -> None:
    made_up = Completion(
        Identity("direct", "0b6c1c1e-0000-4000-8000-000000000001"),
        "progress-bridge-probe-1",
        completed_at=instant_of(4),
    )
    assert list(judge([ACCEPTED], found(EARLY, OTHER, made_up)).faults) == []
    in_a_real_record = replace(made_up, identity=EARLY.identity)
    assert len(judge([ACCEPTED], found(EARLY, OTHER, in_a_real_record)).strange) == 1
