"""The instant that is written is the instant that is read, or nothing is written at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bridge import Completion, Status, StoreMisconfigured
from bridge.checks import Finding
from bridge.stores.directus import DirectusStore
from bridge.stores.directus.setup.register import register
from tests.contract.learners import done, somebody
from tests.integration.own_base import OwnBase
from tests.integration.own_tables import admin_client
from tests.servers.directus import Directus
from tests.servers.postgres import Postgres

VERSIONS = ["11.17.4", "10.13.4", "12.4.0"]
COLUMNS = {
    "no zone": "ALTER TABLE {progress} ALTER completed_at TYPE timestamp",
    "no zone, to the second": "ALTER TABLE {progress} ALTER completed_at TYPE timestamp(0)",
    "to the second": "ALTER TABLE {progress} ALTER completed_at TYPE timestamptz(0)",
    "to a tenth": "ALTER TABLE {progress} ALTER completed_at TYPE timestamptz(1)",
    "day": "ALTER TABLE {progress} ALTER completed_at TYPE date",
    "trigger": """
        CREATE FUNCTION now_{progress}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN NEW.completed_at := now(); RETURN NEW; END $$;
        CREATE TRIGGER t BEFORE INSERT ON {progress} FOR EACH ROW EXECUTE FUNCTION now_{progress}()
    """,
}
SPECIAL = ["date-created", "cast-datetime"]


@pytest.fixture(scope="module", params=VERSIONS)
def paris(
    request: pytest.FixtureRequest, postgres: Postgres, start_directus: Callable[..., Directus]
) -> Directus:
    """Run a Directus whose server is in France."""
    name = f"paris_{request.param.partition('.')[0]}"
    return start_directus(request.param, postgres.create_database(name), TZ="Europe/Paris")


@pytest.fixture
def base(paris: Directus) -> Iterator[OwnBase]:
    made = OwnBase(paris)
    yield made
    made.close()


@pytest.fixture(params=[*COLUMNS, *SPECIAL])
def inexact(request: pytest.FixtureRequest, base: OwnBase) -> tuple[OwnBase, Callable[[], None]]:
    """Give a base, and what makes its instants inexact."""

    def alter() -> None:
        if request.param in COLUMNS:
            base.alter(COLUMNS[request.param])
        else:
            give_special(base, request.param)

    return base, alter


def give_special(base: OwnBase, special: str) -> None:
    path = f"/fields/{base.names.progress}/completed_at"
    assert base.directus.request("PATCH", path, {"meta": {"special": [special]}}).ok


def fatal(store: DirectusStore) -> list[Finding]:
    return [finding for finding in store.check() if not finding.ok and finding.fatal]


def at(instant: str) -> Completion:
    return Completion(somebody(), "grain-1", completed_at=datetime.fromisoformat(instant))


MILLISECONDS = timedelta(milliseconds=789)


def precise(completion: Completion) -> Completion:
    return Completion(
        completion.identity,
        completion.grain_id,
        completed_at=completion.completed_at + MILLISECONDS,
    )


def test_check_refuses_an_inexact_instant(inexact: tuple[OwnBase, Callable[[], None]]) -> None:
    base, alter = inexact
    assert fatal(base.writer()) == []
    alter()
    (finding,) = fatal(base.writer())
    assert f"{base.names.progress}.completed_at does not keep instants as they are" in (
        finding.message
    )
    assert "progress-bridge setup" in finding.remedy
    assert base.read(base.names.learners) == base.read(base.names.progress) == []


def test_the_remedy_is_the_statement_that_mends(base: OwnBase) -> None:
    base.alter(COLUMNS["no zone"])
    (finding,) = fatal(base.writer())
    statement = (
        f"ALTER TABLE {base.names.progress} ALTER completed_at TYPE timestamptz "
        "USING completed_at AT TIME ZONE '"
    )
    assert statement in finding.remedy
    base.alter(f"{statement}Europe/Paris'")
    assert fatal(base.writer()) == []


def test_a_new_learners_first_recording_refuses(
    inexact: tuple[OwnBase, Callable[[], None]],
) -> None:
    base, alter = inexact
    alter()
    with pytest.raises(StoreMisconfigured, match="does not keep instants as they are"):
        base.writer().record([precise(done(somebody()))])
    assert base.read(base.names.progress) == []


def test_a_known_learners_next_recording_refuses(
    inexact: tuple[OwnBase, Callable[[], None]],
) -> None:
    base, alter = inexact
    who, store = somebody(), base.writer()
    store.record([precise(done(who))])
    alter()
    for writer in (store, base.writer()):
        with pytest.raises(StoreMisconfigured, match="does not keep instants as they are"):
            writer.record([precise(done(who, "grain-2"))])
    assert {grain for _, grain in base.rows()} == {"grain-1"}


def test_an_earlier_completion_leaves_the_row(inexact: tuple[OwnBase, Callable[[], None]]) -> None:
    base, alter = inexact
    who = somebody()
    base.writer().record([precise(done(who))])
    alter()
    before = base.read(base.names.progress)
    with pytest.raises(StoreMisconfigured, match="does not keep instants as they are"):
        base.writer().record([precise(done(who, hours=-1))])
    assert base.read(base.names.progress) == before


@pytest.mark.parametrize("special", [*SPECIAL, "date-updated"])
def test_setup_takes_off_what_changes_values(base: OwnBase, special: str) -> None:
    give_special(base, special)
    assert bool(fatal(base.writer())) is (special in SPECIAL)  # the bridge updates no row
    client = admin_client(base.directus)
    changes = list(register(client, base.names, keep_activity=False))
    client.close()
    assert changes == [f"field {base.names.progress}.completed_at: special {special} taken off"]
    assert fatal(base.writer()) == []
    assert base.writer().record([precise(done(somebody()))])[0].status is Status.CREATED


def test_the_hour_that_comes_twice_is_told(base: OwnBase) -> None:
    """Show a column without a zone that Directus reads as if it had one: only autumn tells."""
    base.alter(COLUMNS["no zone"])
    give_special(base, "cast-timestamp")
    store = base.writer()
    first, second = at("2025-10-26T00:30:00.001+00:00"), at("2025-10-26T01:30:00.001+00:00")
    refused = 0
    for completion in (first, second):
        try:
            store.record([completion])
        except StoreMisconfigured:
            refused += 1
    assert refused == len(fatal(store)) == 1
    assert len(base.read(base.names.progress)) == 1


def test_both_hours_of_autumn_are_kept_apart(base: OwnBase) -> None:
    store = base.writer()
    hours = [at(f"2025-10-26T0{hour}:30:00.001+00:00") for hour in (0, 1)]
    store.record(hours)
    for completion in hours:
        (read,) = store.progress(completion.identity)
        assert read.completed_at == completion.completed_at.astimezone(UTC)
