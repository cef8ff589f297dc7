"""Load with SIGKILL in the middle, and what is in the database at the end: a test, and a command.

``python -m tests.service.killing --seconds 60`` is the long form.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bridge import Identity, Settings
from bridge.stores import Store, open_store
from tests.service.load import fire, post
from tests.service.server import Service

LEARNERS: Final = 20
CONNECTIONS: Final = 16
DRAINED_WITHIN: Final = 120.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it.

    Attributes:
        accepted: completions that were answered with 202.
        unanswered: requests whose answer was lost.
        kills: how often the service was killed.
        missing: accepted completions that are not in the database.
        unknown: rows that nobody sent.
    """

    accepted: int
    unanswered: int
    kills: int
    missing: int
    unknown: int


def run(
    service: Service,
    store: Callable[[], Store],
    seconds: float,
    kills: int,
    seed: int,
    connections: int = CONNECTIONS,
) -> Outcome:
    """Load the running service, kill it so often meanwhile, and compare.

    Every completion is a grain of its own, so that each has its row.
    """
    ended = threading.Event()
    killer = threading.Thread(target=_kill, args=(service, seconds, kills, seed, ended))
    killer.start()
    source = _requests(service.key)
    load = fire(service.port, source, connections, until=time.monotonic() + seconds)
    killer.join()
    assert ended.is_set(), "the service was not started again"
    accepted = {grain for grains in load.named(202) for grain in grains}
    sent = accepted | {grain for grains in load.lost for grain in grains}
    recorded = _recorded(service, store, accepted)
    return Outcome(
        accepted=len(accepted),
        unanswered=len(load.lost),
        kills=kills,
        missing=len(accepted - recorded),
        unknown=len(recorded - sent),
    )


def _kill(service: Service, seconds: float, kills: int, seed: int, ended: threading.Event) -> None:
    chance = random.Random(seed)
    for _ in range(kills):
        time.sleep(seconds / (kills + 1) * chance.uniform(0.7, 1.0))
        service.kill()
        service.start()
    ended.set()


def _requests(key: str) -> Iterator[tuple[Any, bytes]]:
    """Yield single completions and small batches by turns, each named by its grains."""
    for number in itertools.count():
        grains = [f"g-{number}-{n}" for n in range(1 if number % 3 else 10)]
        items = [
            {"origin": "moodle", "external_user_id": _learner_of(number), "grain_id": grain}
            for grain in grains
        ]
        body = json.dumps(items[0] if len(items) == 1 else items).encode()
        yield grains, post("/v1/completions", body, key)


def _recorded(service: Service, store: Callable[[], Store], accepted: set[str]) -> set[str]:
    """Return the grains in the database, once nothing waits any more."""
    deadline = time.monotonic() + DRAINED_WITHIN
    waited_for: dict[int, set[str]] = {learner: set() for learner in range(1, LEARNERS + 1)}
    for grain in accepted:
        waited_for[_learner_of(int(grain.split("-")[1]))].add(grain)
    with closing(store()) as opened:
        for learner, grains in waited_for.items():
            while not grains <= _rows(opened, learner) and time.monotonic() < deadline:
                time.sleep(0.1)
        return set().union(*(_rows(opened, learner) for learner in waited_for))


def _rows(store: Store, learner: int) -> set[str]:
    return {row.grain_id for row in store.progress(Identity("moodle", learner))}


def _learner_of(number: int) -> int:
    return number % LEARNERS + 1


def main() -> int:
    """Run it over a store and an outbox on SQLite, and return 0 when nothing is missing."""
    parser = argparse.ArgumentParser("python -m tests.service.killing")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))
        words = ("--workers", str(asked.workers), "--no-access-log")
        service = stack.enter_context(Service(folder, SETTINGS, *words))
        sys.stderr.write(f"seed {asked.seed}\n")
        outcome = run(service, store_of(service), asked.seconds, asked.kills, asked.seed)
    sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
    return 1 if outcome.missing or outcome.unknown else 0


SETTINGS: Final = {
    "delivery": {"lease": 3.0, "age": 0.05},
    "service": {"rate_limit": {"key": "off"}},
}
"""What a killed deliverer held is free again soon."""


def store_of(service: Service) -> Callable[[], Store]:
    """Return a function that opens the store of the service's configuration."""
    return lambda: open_store(Settings.load(service.config, {}))


if __name__ == "__main__":
    sys.exit(main())
