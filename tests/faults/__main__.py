"""Run the fault campaign: ``python -m tests.faults``.

The table goes to standard output, what is going on to standard error. Exit code 1 when anything
was lost, doubled, halved, or did not go on after a fault.
"""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
from collections.abc import Sequence

from tests.faults.bed import OUTBOXES
from tests.faults.campaign import Campaign, Plan


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read what was asked for on the command line."""
    parser = argparse.ArgumentParser("python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, help="replay this one (default: a new one)")
    parser.add_argument("--count", type=int, default=100_000, help="completions")
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--outbox", choices=(*OUTBOXES, "both"), default="both")
    parser.add_argument("--refused-every", type=int, default=1000)
    return parser.parse_args(words)


def say(line: str) -> None:
    """Print progress to standard error, for standard output holds the tables alone."""
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Run it on one outbox or on both, and return 0 when all is well."""
    asked = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill stops the servers
    seed = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    wrong = 0
    for outbox in OUTBOXES if asked.outbox == "both" else (asked.outbox,):
        plan = Plan(seed, outbox, asked.count, asked.faults, asked.refused_every)
        report = Campaign(plan, say).run()
        print(report.as_markdown(), flush=True)
        for sentence in report.wrong:
            say(f"WRONG: {sentence}")
        wrong += len(report.wrong)
    if wrong:
        say(f"{wrong} things are wrong; replay with SEED={seed}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
