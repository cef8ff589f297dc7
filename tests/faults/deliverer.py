"""``progress-bridge`` as it is, on a clock that jumps: ``python -m tests.faults.deliverer``.

The words before ``--`` are the clock's files, those after it the command's own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.faults import clock


def main() -> None:
    """Follow the clock, then run the command."""
    divide = sys.argv.index("--")
    clock.follow([Path(word) for word in sys.argv[1:divide]])
    sys.argv[1:] = sys.argv[divide + 1 :]
    from bridge.cli import main as progress_bridge

    progress_bridge()


if __name__ == "__main__":
    main()
