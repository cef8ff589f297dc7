"""An outbox knows its store: a deliverer of another one keeps off it, until it adopts it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bridge.config import Settings
from bridge.delivery.loop import Delivery
from bridge.delivery.status import State, overview
from bridge.errors import OutboxOfAnotherStore, OutboxUnavailable
from bridge.outbox import Outbox, open_outbox
from bridge.stores.memory import MemoryStore
from tests.contract.learners import done, somebody
from tests.contract.outbox.conftest import Home

OURS = "https://ours.example.org (apprenants, progress)"
THEIRS = "https://theirs.example.org (apprenants, progress)"


def test_the_first_deliverers_store_marks_the_outbox(home: Home) -> None:
    ours = home.open(store=OURS)
    ours.put([done(somebody())])  # an outbox of before there were marks
    assert ours.owner() is None
    assert ours.claim() is None
    assert ours.owner() == OURS
    ours.claim()
    assert home.open(store=OURS).claim() is None


def test_a_deliverer_of_another_store_is_refused(home: Home) -> None:
    home.open(store=OURS).claim()
    theirs = home.open(store=THEIRS)
    with pytest.raises(OutboxOfAnotherStore) as caught:
        theirs.claim()
    for word in (OURS, THEIRS, "--adopt", "outbox.prefix"):
        assert word in str(caught.value)
    assert theirs.owner() == OURS


def test_check_and_status_name_both_stores(home: Home) -> None:
    ours, theirs = home.open(store=OURS), home.open(store=THEIRS)
    assert all(finding.ok for finding in ours.check())
    ours.claim()
    assert all(finding.ok for finding in ours.check())
    (finding,) = [finding for finding in theirs.check() if not finding.ok]
    assert finding.fatal
    assert OURS in finding.message
    assert THEIRS in finding.message
    assert "--adopt" in finding.remedy
    found = overview(theirs)
    assert (found.state, OURS in found.why, "--adopt" in found.remedy) == (State.PAUSED, True, True)
    assert overview(ours).state is State.IDLE


def test_to_adopt_moves_all_that_waits(home: Home) -> None:
    ours, theirs = home.open(store=OURS), home.open(store=THEIRS)
    ours.put([done(somebody())])
    ours.claim()
    assert theirs.claim(adopt=True) == OURS
    assert theirs.claim(adopt=True) is None
    assert (theirs.owner(), theirs.counts().waiting) == (THEIRS, 1)
    with pytest.raises(OutboxOfAnotherStore):
        ours.claim()


def test_who_knows_no_store_marks_nothing(home: Home) -> None:
    home.open().claim()
    assert home.open().owner() is None
    home.open(store=OURS).claim()
    home.open().claim()
    assert home.open().owner() == OURS


def test_of_deliverers_starting_together_one_store_wins(home: Home) -> None:
    stores = [f"https://store-{number} (apprenants, progress)" for number in range(6)]
    refused: list[str] = []
    start = threading.Barrier(len(stores))

    def claim(outbox: Outbox, store: str) -> None:
        start.wait()
        try:
            outbox.claim()
        except OutboxOfAnotherStore:
            refused.append(store)

    opened = [(home.open(store=store), store) for store in stores]
    threads = [threading.Thread(target=claim, args=each) for each in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(stores) - set(refused) == {home.open().owner()}


def test_a_running_deliverer_stops_when_another_adopts(home: Home) -> None:
    now = [0.0]
    ours, theirs = home.open(store=OURS), home.open(store=THEIRS)
    store = MemoryStore()
    delivery = Delivery(ours, store, clock=lambda: now[0], spawn=lambda work: work())
    delivery.step()
    theirs.claim(adopt=True)
    now[0] += 60
    ours.put([done(somebody())])
    delivery.step()
    assert ours.counts().waiting == 1
    assert delivery.report().state is State.PAUSED
    assert THEIRS in (delivery.report().why or "")
    ours.claim(adopt=True)
    now[0] += 120
    delivery.step()
    assert ours.counts().waiting == 0


def test_an_outbox_out_of_reach_is_marked_later(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    ours = home.open(store=OURS)
    delivery = Delivery(ours, MemoryStore(), clock=lambda: now[0], spawn=lambda work: work())
    with monkeypatch.context() as broken:
        broken.setattr(ours, "claim", _down)
        delivery.step()
    now[0] += 120
    delivery.step()
    assert ours.owner() == OURS


def _down(**_: object) -> None:
    raise OutboxUnavailable("down")


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("https://ours.example.org", "another-token"),
        ("https://ours.example.org/", "a-token"),
        ("https://OURS.example.ORG", "a-token"),
        ("https://ours.example.org:443/", "a-token"),
        ("https://ours.example.org.", "a-token"),
    ],
)
def test_another_spelling_is_the_same_store(tmp_path: Path, url: str, token: str) -> None:
    marked(tmp_path, "https://ours.example.org").claim()
    marked(tmp_path, url, token).claim()


@pytest.mark.parametrize(
    "url",
    ["https://ours.example.org/sub", "https://ours.example.org:8443", "http://ours.example.org"],
)
def test_another_place_is_another_store(tmp_path: Path, url: str) -> None:
    marked(tmp_path, "https://ours.example.org").claim()
    with pytest.raises(OutboxOfAnotherStore):
        marked(tmp_path, url).claim()


def test_other_collections_are_another_store(tmp_path: Path) -> None:
    marked(tmp_path, "https://ours.example.org").claim()
    with pytest.raises(OutboxOfAnotherStore, match="eleves"):
        marked(tmp_path, "https://ours.example.org", learners="eleves").claim()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("postgresql://a:pw@DB/base", "postgresql+psycopg://b:secret@db:5432/base", True),
        ("postgresql://a@db/base?sslmode=require", "postgresql://a@db/base", True),
        ("postgresql://a@db/base", "postgresql://a@db/other", False),
        ("postgresql://a@/base?host=/run/one", "postgresql://a@/base?host=/run/two", False),
        ("postgresql://a@db1,db2/base", "postgresql://b@DB1,DB2/base", True),
        ("postgresql://[::1]:5432/base", "postgresql://[::1]/base", True),
        ("sqlite:///there/../a.db", "sqlite:///a.db", True),
        ("sqlite:///a.db", "sqlite:///b.db", False),
    ],
)
def test_bases_are_told_apart_by_their_place(
    tmp_path: Path, one: str, other: str, *, same: bool
) -> None:
    ours = marked(tmp_path, one)
    ours.claim()
    assert "pw" not in (ours.owner() or "")
    if same:
        marked(tmp_path, other).claim()
        return
    with pytest.raises(OutboxOfAnotherStore) as caught:
        marked(tmp_path, other).claim()
    assert "secret" not in str(caught.value)


def marked(folder: Path, url: str, token: str = "a-token", learners: str = "apprenants") -> Outbox:
    settings = Settings.from_mapping(
        {
            "store": {"url": url, "token": token, "names": {"learners": learners}},
            "outbox": {"url": f"sqlite:///{folder}/outbox.db"},
        }
    )
    outbox = open_outbox(settings)
    assert outbox is not None
    return outbox
