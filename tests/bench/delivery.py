"""Delivery from the outbox into the real Directus, against the store alone fed the same batches."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Final

from bridge import Completion
from bridge.config import DeliverySettings, OutboxSettings, Settings
from bridge.delivery.loop import Delivery
from bridge.outbox import Outbox, open_outbox
from bridge.stores import Store, open_store
from tests.bench.bed import Bed
from tests.bench.by_hand import TIMEOUT
from tests.bench.directus import GRAINS, identities, of_grains, writing
from tests.bench.measure import Bench, Result, Rival, chunks, compare, rate

SETTINGS: Final = DeliverySettings()
_LOOK: Final = 0.02


def deliver(bed: Bed) -> Iterator[Result]:
    """Deliver 20,000 completions of 4,000 learners whom the store knows, of grains new to them."""
    learners = identities(bed.count(4_000))
    place = replace(bed.directus.store_settings, read_timeout=TIMEOUT)
    queue = OutboxSettings(url=f"sqlite:///{bed.folder}/delivery.db")
    settings = Settings(store=place, outbox=queue)
    outbox = open_outbox(settings)
    assert outbox is not None
    with closing(open_store(settings)) as store, closing(outbox):
        for batch in chunks([Completion(who, "first") for who in learners], SETTINGS.batch):
            store.record(batch)

        def ours(number: int) -> float:
            completions = of_grains(learners, f"outbox-{number}")
            for batch in chunks(completions, SETTINGS.batch):
                outbox.put(batch)
            return rate(len(completions), lambda: _drain(outbox, store))

        def alone(number: int) -> float:
            completions = of_grains(learners, f"alone--{number}")
            return rate(len(completions), lambda: _feed(store, completions))

        rows = GRAINS * len(learners)
        rival = Rival(
            side=writing(bed, alone, rows),
            against="the store alone, fed the same batches over as many connections",
            bar=0.8,
        )
        yield from compare("delivery", writing(bed, ours, rows), rival, unit="completions/s")


def _drain(outbox: Outbox, store: Store) -> None:
    """Deliver until nothing is left."""
    delivery = Delivery(outbox, store, SETTINGS)
    delivery.start()
    counts = outbox.counts()
    while counts.waiting or counts.leased:
        time.sleep(_LOOK)
        counts = outbox.counts()
    delivery.stop()


def _feed(store: Store, completions: Sequence[Completion]) -> None:
    with ThreadPoolExecutor(SETTINGS.connections) as pool:
        list(pool.map(store.record, chunks(completions, SETTINGS.batch)))


BENCHES: Final[Mapping[str, Bench]] = {"delivery": deliver}
