"""The processes of the bridge in a campaign: killed, restarted, and watched."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.faults.bed import Bed
from tests.faults.producer import WRITERS
from tests.faults.workload import Workload
from tests.servers import ROOT
from tests.servers.process import tail

MACHINE: Final = "machine"
"""The clock that all processes follow."""

_POLITE: Final = 10.0
"""Seconds in which a deliverer has to end when it is asked to."""


def clock_file(folder: Path, name: str) -> Path:
    """Return the file of the clock of the machine, or of one process."""
    return folder / f"clock-{name}"


class Child:
    """One process, started anew when it was killed.

    Args:
        name: as the report calls it; also the name of its log and of its clock.
        folder: for both.
        command: after ``python -m``.
    """

    def __init__(self, name: str, folder: Path, command: Sequence[str]) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.clock = clock_file(folder, name)
        self._command = [sys.executable, "-m", *command]
        self._process: subprocess.Popen[str] | None = None
        self.complaints: list[str] = []

    @property
    def running(self) -> bool:
        """Return whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Return its process id, None when it is not there."""
        return self._process.pid if self._process is not None and self.running else None

    def start(self) -> None:
        """Start the process, and complain when it has ended by itself before."""
        if self.running:
            return
        self.look_after()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    def look_after(self) -> None:
        """Complain when it has ended and nobody ended it."""
        process, self._process = self._process, None if not self.running else self._process
        if process is not None and process.poll() is not None:
            code = process.returncode
            self.complaints.append(f"{self.name} ended by itself, code {code}\n{tail(self.log)}")

    def kill(self) -> None:
        """End it as a crash would."""
        self._signal(signal.SIGKILL)
        self._forget()

    def freeze(self) -> None:
        """Stop it where it is."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """Ask it to end, and complain when it does not within 10 s, or not with code 0."""
        process = self._process
        self._signal(signal.SIGTERM)
        if process is not None:
            try:
                code = process.wait(_POLITE)
            except subprocess.TimeoutExpired:
                self.complaints.append(f"{self.name} still there {_POLITE:.0f} s after SIGTERM")
                self.kill()
            else:
                if code != 0:
                    text = f"{self.name} ended with code {code} on SIGTERM\n{tail(self.log)}"
                    self.complaints.append(text)
        self._forget()

    def memory(self) -> float | None:
        """Return its resident memory in MB."""
        with contextlib.suppress(OSError, TypeError, StopIteration):
            status = Path(f"/proc/{self.pid}/status").read_text().splitlines()
            return int(next(x for x in status if x.startswith("VmRSS")).split()[1]) / 1024
        return None

    def _signal(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, how)

    def _forget(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.wait()
            if process.stdin:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()


class Producer(Child):
    """Two writers. They go no further than they are allowed."""

    def __init__(self, bed: Bed, workload: Workload, number: int) -> None:
        words = {
            "config": bed.config,
            "folder": bed.folder,
            "clock": clock_file(bed.folder, MACHINE),
            "first-writer": number * WRITERS,
            "seed": workload.seed,
            "count": workload.count,
            "writers": workload.writers,
            "refused-every": workload.refused_every,
        }
        options = [word for name, value in words.items() for word in (f"--{name}", str(value))]
        name = f"producer-{number}"
        super().__init__(name, bed.folder, ["tests.faults.producer", *options])
        self._allowed = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start it, with what it was allowed before."""
        super().start()
        self.allow(self._allowed)

    def allow(self, count: int) -> None:
        """Allow each of its writers to go as far as ``count`` completions."""
        self._allowed = max(count, self._allowed)
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(f"{self._allowed}\n")
                self._process.stdin.flush()

    def finish(self, patience: float) -> None:
        """Let it come to its end, and complain when it does not."""
        process = self._process
        if process is None or process.stdin is None:
            self.complaints.append(f"{self.name} is not there at the end")
            return
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            code = process.wait(patience)
        except subprocess.TimeoutExpired:
            self.complaints.append(f"{self.name} did not finish within {patience:.0f} s")
            self.kill()
            return
        if code != 0:
            self.complaints.append(f"{self.name} ended with code {code}\n{tail(self.log)}")
        self._forget()


class Deliverer(Child):
    """A ``progress-bridge deliver``, on a clock that can jump."""

    def __init__(self, bed: Bed, number: int) -> None:
        name = f"deliverer-{number}"
        clocks = [str(clock_file(bed.folder, which)) for which in (MACHINE, name)]
        command = [*clocks, "--", "--config", str(bed.config), "deliver"]
        super().__init__(name, bed.folder, ["tests.faults.deliverer", *command])


class Memory:
    """A deliverer's memory over time. `flat` compares the middle of two stretches.

    Args:
        child: must not be restarted meanwhile.
    """

    GROWTH = 1.15
    SLACK = 4.0  # MB

    def __init__(self, child: Child) -> None:
        self._child = child
        self.samples: list[float] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)

    def watch(self) -> None:
        """Begin, once the process is warm."""
        self._thread.start()

    def end(self) -> None:
        """Stop watching."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def before_and_after(self) -> tuple[float, float]:
        """Return the median of the first quarter, and of the last one, in MB."""
        quarter = max(1, len(self.samples) // 4)
        first, last = sorted(self.samples[:quarter]), sorted(self.samples[-quarter:])
        return first[len(first) // 2], last[len(last) // 2]

    @property
    def flat(self) -> bool:
        """Return whether the last is no more than 15 % and 4 MB over the first."""
        before, after = self.before_and_after
        return after <= before * self.GROWTH + self.SLACK

    def _watch(self) -> None:
        while not self._end.wait(0.5):
            if (now := self._child.memory()) is not None:
                self.samples.append(now)
