"""The instant that is written is the instant that is read, or nothing is written."""

from __future__ import annotations

import pytest

from bridge import Status, StoreMisconfigured
from tests.contract.learners import NOON, done, somebody
from tests.integration.sql.base import Base
from tests.integration.sql.stores import opened, statuses, to_mend

ALTER = "ALTER TABLE progress ALTER completed_at TYPE"
TRIGGER = """
    CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN {body} RETURN NEW; END $$;
    CREATE TRIGGER fill {when} INSERT ON progress FOR EACH ROW EXECUTE FUNCTION fill()"""
BEFORE = TRIGGER.format(when="BEFORE", body="NEW.completed_at := now();")
AFTER = TRIGGER.format(
    when="AFTER", body="UPDATE progress SET completed_at = now() WHERE id = NEW.id;"
)
GENERATED = """
    ALTER TABLE progress DROP completed_at;
    ALTER TABLE progress ADD completed_at timestamptz
        GENERATED ALWAYS AS (timestamptz '2020-01-01 00:00Z') STORED"""
INEXACT = {
    "timestamp": f"{ALTER} timestamp",
    "whole seconds": f"{ALTER} timestamptz(0)",
    "centiseconds": f"{ALTER} timestamptz(2)",
    "date": f"{ALTER} date",
    "text": f"{ALTER} text",
    "number": f"{ALTER} bigint USING extract(epoch FROM completed_at)",
    "before trigger": BEFORE,
    "after trigger": AFTER,
    "generated": GENERATED,
}


@pytest.mark.parametrize("change", INEXACT.values(), ids=INEXACT.keys())
def test_inexact_instants_are_refused_before_anything_is_written(
    fresh_base: Base, change: str
) -> None:
    fresh_base.do(change)
    with opened(fresh_base) as store:
        with pytest.raises(StoreMisconfigured):
            store.record([done(somebody())])
        (finding,) = to_mend(store)
        assert "completed_at" in finding.message
        assert ("timestamptz" in finding.remedy) == (change not in (BEFORE, AFTER))
    assert fresh_base.rows("SELECT * FROM progress") == []


@pytest.mark.parametrize("change", INEXACT.values(), ids=INEXACT.keys())
def test_a_column_altered_meanwhile_is_noticed(fresh_base: Base, change: str) -> None:
    who = somebody()
    with opened(fresh_base) as store:
        statuses(store, done(who))
        fresh_base.do(change)
        if change == AFTER:
            store._rehearse_again = 0.0  # a minute is over
        with pytest.raises(StoreMisconfigured):
            store.record([done(who, "grain-2", hours=0.000001)])
    assert fresh_base.rows("SELECT count(*) FROM progress") == [(1,)]


@pytest.mark.parametrize("change", [f"{ALTER} timestamptz(3)", f"{ALTER} timestamptz(6)"])
@pytest.mark.parametrize("zone", ["Europe/Paris", "Pacific/Auckland"])
def test_the_sessions_zone_and_style_change_nothing(
    fresh_base: Base, change: str, zone: str
) -> None:
    fresh_base.do(
        change,
        f"ALTER DATABASE {fresh_base.name} SET timezone = '{zone}'",
        f"ALTER DATABASE {fresh_base.name} SET datestyle = 'German, DMY'",
    )
    who = somebody()
    with opened(fresh_base) as store:
        assert to_mend(store) == []
        store.record([done(who)])
        assert [row.completed_at for row in store.progress(who)] == [NOON]
        assert statuses(store, done(who)) == [Status.ALREADY_RECORDED]


def test_a_timestamp_that_is_read_is_refused(fresh_base: Base) -> None:
    who = somebody()
    with opened(fresh_base) as store:
        store.record([done(who)])
        fresh_base.do(INEXACT["timestamp"])
        with pytest.raises(StoreMisconfigured, match="without zone"):
            store.progress(who)


def test_the_remedy_mends_the_column(fresh_base: Base) -> None:
    fresh_base.do(INEXACT["timestamp"])
    with opened(fresh_base) as store:
        (finding,) = to_mend(store)
        fresh_base.do("ALTER TABLE" + finding.remedy.partition("ALTER TABLE")[2].partition(" (")[0])
        assert to_mend(store) == []
        assert statuses(store, done(somebody())) == [Status.CREATED]


def test_a_learners_creation_date_may_be_anything(fresh_base: Base) -> None:
    fresh_base.do("ALTER TABLE apprenants ALTER date_creation TYPE date")
    with opened(fresh_base) as store:
        assert store.learner(somebody()).date_creation
