"""The HTTP service: single completions and batches, over kept connections, each on disk."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson

from bridge.model import Completion, Origin
from bridge.service.auth.callers import ServerCaller
from bridge.service.auth.keys import KeyRight, new_key
from bridge.service.parsing import parse_item
from tests.bench.bed import Bed
from tests.bench.measure import Bench, Result, Rival, Side, compare, rate, say
from tests.servers import ROOT
from tests.servers.process import HOST, Server
from tests.service.load import Load, fire, post
from tests.service.server import Service

CONNECTIONS: Final = 32
BATCH: Final = 500
BATCH_CONNECTIONS: Final = 4
_FAR: Final = {"service": {"rate_limit": {"key": "1000000/second"}}}
_PATH: Final = "/v1/completions"


class Bare(Server):
    """A bare FastAPI route on the same server software, with the same settings."""

    def command(self) -> Sequence[str | Path]:
        where = ["--host", HOST, "--port", str(self.port), "--no-access-log"]
        return [sys.executable, "-m", "uvicorn", "tests.bench.bare:app", *where]

    def environment(self) -> Mapping[str, str]:
        return {"PYTHONPATH": str(ROOT)}


def single(bed: Bed) -> Iterator[Result]:
    """Post one completion a request over 32 connections, each answered when it is on disk."""
    count = bed.count(10_000)
    loads: list[Load] = []
    with TemporaryDirectory(dir=bed.folder) as name, ExitStack() as stack:
        service = Service(Path(name), _FAR, "--no-deliver", "--no-access-log")
        stack.enter_context(service)
        say(f"service, idle: {_resident(service.pid):.0f} MB")
        bare = stack.enter_context(Bare("bare", Path(name)))

        def side(server: Server, token: str) -> Side:
            def one_round(number: int) -> float:
                load = fire(server.port, _singles(count, number, token), CONNECTIONS)
                assert len(load.named(202)) == count
                loads.append(load)
                return count / load.seconds

            one_round(99)
            return one_round

        ours, theirs = side(service, service.key), side(bare, "none")
        yield from compare(
            "service-single",
            ours,
            Rival(side=theirs, against="a bare FastAPI route, same body, 202", bar=0.5),
            unit="completions/s",
            rounds=5,
        )
        say(f"service, after: {_resident(service.pid):.0f} MB")
    for load, whose in zip(loads[2:4], ("service", "bare route"), strict=True):
        p50, p99 = load.percentile(0.5) * 1000, load.percentile(0.99) * 1000
        say(f"{whose}: half within {p50:.1f} ms, 99 of 100 within {p99:.1f} ms")


def batches(bed: Bed) -> Iterator[Result]:
    """Post 500 completions a request over 4 connections."""
    count = bed.count(100)
    with (
        TemporaryDirectory(dir=bed.folder) as name,
        Service(Path(name), _FAR, "--no-deliver", "--no-access-log") as service,
    ):

        def ours(number: int) -> float:
            load = fire(service.port, _batches(count, number, service.key), BATCH_CONNECTIONS)
            assert len(load.named(202)) == count
            return count * BATCH / load.seconds

        ours(99)
        yield from compare(
            "service-batch",
            ours,
            Rival(side=_parsing(count), against="parsing and validation alone", bar=0.3),
            unit="completions/s",
            rounds=5,
        )


def _parsing(count: int) -> Side:
    """Run the service's own parsing and validation, in a loop and nothing else."""
    key, _ = new_key("bench", list(Origin), list(KeyRight))
    caller = ServerCaller(key)
    bodies = [orjson.dumps(_body(n * BATCH, BATCH, 0)) for n in range(count)]

    def work() -> None:
        for body in bodies:
            for item in orjson.loads(body):
                assert isinstance(parse_item(item, caller), Completion)

    return lambda _: rate(count * BATCH, work)


def _item(number: int, round_: int) -> dict[str, Any]:
    return {
        "origin": "moodle",
        "external_user_id": number % 5_000 + 1,
        "grain_id": f"grain-{round_}-{number}",
        "module_id": "module-1",
        "sequence_id": "sequence-1",
        "completed_at": "2026-01-31T12:00:00+01:00",
    }


def _body(first: int, size: int, round_: int) -> list[dict[str, Any]]:
    return [_item(number, round_) for number in range(first, first + size)]


def _singles(count: int, round_: int, token: str) -> Iterator[tuple[int, bytes]]:
    """Make the requests beforehand, for making them is not what is measured."""
    bodies = (orjson.dumps(_item(number, round_)) for number in range(count))
    return iter([(n, post(_PATH, body, token)) for n, body in enumerate(bodies)])


def _batches(count: int, round_: int, token: str) -> Iterator[tuple[int, bytes]]:
    starts = itertools.islice(itertools.count(0, BATCH), count)
    bodies = (orjson.dumps(_body(first, BATCH, round_)) for first in starts)
    return iter([(n, post(_PATH, body, token)) for n, body in enumerate(bodies)])


def _resident(pid: int) -> float:
    """Return the process's resident memory, in MB."""
    (line,) = (
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in line
    )
    return int(line.split()[1]) / 1024


BENCHES: Final[dict[str, Bench]] = {"service-single": single, "service-batch": batches}
