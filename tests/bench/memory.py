"""How much memory recording takes: a million completions must not be held at once.

Run as a program (``python -m tests.bench.memory URL COUNT``), it records that many in a process of
its own and prints the most memory it had, in bytes.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bridge import Bridge
from bridge.config import Settings, StoreSettings
from bridge.model import Completion, Identity, Origin
from tests.bench.bed import Bed
from tests.bench.measure import Bench, Result, rate, say
from tests.servers import ROOT

GRAINS: Final = 20
"""Completions of each learner."""


def sqlite(bed: Bed) -> Iterator[Result]:
    """Measure the most memory that recording 1,000,000 completions into SQLite takes."""
    count = bed.count(1_000_000)
    url = f"sqlite:///{bed.folder / 'memory.db'}"
    command = [sys.executable, "-m", "tests.bench.memory", url, str(count)]
    done: list[str] = []

    def record() -> None:
        done.append(subprocess.run(command, cwd=ROOT, stdout=-1, text=True, check=True).stdout)

    speed = rate(count, record)
    peak = int(done[0]) / 1e6
    say(f"sqlite-memory: {peak:.1f} MB ({count:,} completions, {speed:.0f} a second)")
    yield Result(name="sqlite-memory", value=peak, unit="MB", bar=150.0, lower_is_better=True)


def record(url: str, count: int) -> int:
    """Record the completions, and return the process's most memory, in bytes.

    Raises:
        AssertionError: an outcome is missing.
    """
    with Bridge.from_settings(Settings(store=StoreSettings(url=url))) as bridge:
        outcomes = sum(1 for _ in bridge.record_many(_generated(count)))
    if outcomes != count:
        raise AssertionError(f"{outcomes} outcomes of {count}")
    return _peak()


def _generated(count: int) -> Iterator[Completion]:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    for number in range(count):
        learner = Identity(Origin.MOODLE, number // GRAINS + 1)
        yield Completion(
            learner,
            f"grain-{number % GRAINS}",
            "module-1",
            "sequence-1",
            start + timedelta(seconds=number),
        )


def _peak() -> int:
    """Read ``VmHWM``. Unlike getrusage's ``ru_maxrss`` it is not inherited over fork and exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise AssertionError("/proc/self/status does not tell VmHWM")
    return int(found[1]) * 1024


BENCHES: Final[Mapping[str, Bench]] = {"sqlite-memory": sqlite}

if __name__ == "__main__":
    print(record(sys.argv[1], int(sys.argv[2])))
