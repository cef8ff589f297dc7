"""A clock that jumps: the wall clock of a process, moved by the campaign, unlike its stopwatch.

All processes of the bridge follow the machine's clock; each has one of its own besides, so that one
of them alone can be wrong.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import time_machine

_POLL: Final = 0.02


def jump(file: Path, seconds: float) -> None:
    """Put the clock this far ahead of the true time, by changing the file in one step."""
    draft = file.with_suffix(".new")
    draft.write_text(str(seconds))
    draft.replace(file)


def follow(files: Sequence[Path]) -> None:
    """Put this process's wall clock off by what the files say together, from here on."""
    began = time.time() - time.monotonic()

    def told() -> float:
        return sum(float(file.read_text()) for file in files if file.exists())

    def true_time() -> float:
        return began + time.monotonic()

    offset = told()
    traveller = time_machine.travel(true_time() + offset, tick=True).start()

    def watch() -> None:
        nonlocal offset
        while True:
            if (now := told()) != offset:
                offset = now
                traveller.move_to(true_time() + offset)
            time.sleep(_POLL)

    # The command's own threads block the signals that it waits for. This one is older than they
    # are: it has to block them too, or it would be chosen to receive one.
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    threading.Thread(target=watch, name="clock", daemon=True).start()
    signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
