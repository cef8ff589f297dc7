"""Measure the speed: ``python -m tests.bench [NAME …]``; one JSON object a line.

Standard output holds results alone; what is going on is told on standard error.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Final

from tests.bench import delivery, directus, memory, outbox, service, sql, xblock
from tests.bench.bed import Bed
from tests.bench.measure import Bench, say

BENCHES: Final[dict[str, Bench]] = {
    **directus.BENCHES,
    **sql.BENCHES,
    **memory.BENCHES,
    **outbox.BENCHES,
    **delivery.BENCHES,
    **service.BENCHES,
    **xblock.BENCHES,
}


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read what was asked for on the command line."""
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}")
    parser.add_argument(
        "--scale",
        type=float,
        default=1.0,
        help="multiply every size by this, to try the benchmarks out (default: 1)",
    )
    asked = parser.parse_args(words)
    for name in asked.names:
        if name not in BENCHES:
            parser.error(f"no benchmark {name}; there are {', '.join(BENCHES)}")
    return asked


def main() -> int:
    """Run the benchmarks, and return 0 when all ran, whether or not they reach their bars."""
    asked = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill stops the servers
    with Bed(asked.scale) as bed:
        for name in asked.names or BENCHES:
            for result in BENCHES[name](bed):
                print(result.as_json(), flush=True)
                if not result.met:
                    say(f"{result.name}: misses its bar, {result.bar:g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
