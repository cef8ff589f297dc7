"""`progress-bridge deliver` as a process that is stopped and goes on, as a debugger does it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.cli.deliver import SIGNAL_INTERVAL
from tests.servers import ROOT

CONFIG = """
store: {{url: "memory:"}}
outbox: {{url: "sqlite:///{folder}/outbox.db"}}
"""


@pytest.fixture
def deliverer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    config = tmp_path / "bridge.yaml"
    config.write_text(CONFIG.format(folder=tmp_path))
    words = [sys.executable, "-m", "bridge.cli", "--config", str(config), "deliver"]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "delivery_started" in process.stderr.readline()
    yield process
    process.kill()
    process.wait()
    process.stderr.close()


def test_a_frozen_deliverer_goes_on_and_ends_politely(
    deliverer: subprocess.Popen[str],
) -> None:
    deliverer.send_signal(signal.SIGSTOP)
    time.sleep(
        SIGNAL_INTERVAL + 1.0
    )  # longer than any wait for a signal: time is what this is about
    deliverer.send_signal(signal.SIGCONT)
    with pytest.raises(subprocess.TimeoutExpired):
        deliverer.wait(SIGNAL_INTERVAL + 1.0)
    deliverer.send_signal(signal.SIGTERM)
    assert deliverer.wait(60) == 0
