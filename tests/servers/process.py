"""What all servers have in common: a process, a port, a log, and a deadline to be ready."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

HOST: Final = "127.0.0.1"
_POLL: Final = 0.05
_TAIL: Final = 25


class ServerError(Exception):
    """A server did not do as told. The message ends with the last lines of its log."""


class PortTaken(ServerError):
    """Somebody has the port."""


class HeldPort:
    """A loopback port that is ours, though nobody listens on it yet.

    A socket that is bound and does not listen keeps the port from all who ask the system for any.
    A server that asks for this very one gets it, for both set SO_REUSEADDR, as servers do. It may
    end and start again: nobody comes between. A UDP socket, which cannot be shared so, keeps the
    number from our like.

    Args:
        number: default: a free one.

    Raises:
        PortTaken: somebody has it.
    """

    def __init__(self, number: int = 0) -> None:
        self._sockets = _hold(number) if number else _hold_any()
        self.number: int = self._sockets[0].getsockname()[1]

    @classmethod
    def this_or_any(cls, number: int) -> Self:
        """Hold this port, so that links stay the same in every run, or another if it is taken."""
        try:
            return cls(number)
        except PortTaken:
            return cls()

    def close(self) -> None:
        """Let the port go."""
        for held in self._sockets:
            held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_sockets"):
            self.close()


def _hold(number: int) -> tuple[socket.socket, socket.socket]:
    tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        tcp.bind((HOST, number))
        udp.bind(tcp.getsockname())
    except OSError as error:
        tcp.close()
        udp.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortTaken(f"port {number} is taken") from None
    return tcp, udp


def _hold_any() -> tuple[socket.socket, socket.socket]:
    """Hold a port that the system chooses, another when its number is taken for UDP."""
    while True:
        with contextlib.suppress(PortTaken):
            return _hold(0)


@functools.cache
def _closed() -> HeldPort:
    return HeldPort()


def closed_port() -> int:
    """Return a loopback port on which nobody listens as long as we live."""
    return _closed().number


def listening(port: int) -> bool:
    """Return whether somebody accepts connections on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def tail(log: Path, lines: int = _TAIL) -> str:
    """Return the last lines of a log file, or nothing when there is none."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


class Server:
    """A child process that listens on a port.

    A subclass says how to start it (`command`) and when it is ready (`ready`). The process gets
    its own session, so that Ctrl-C on the terminal reaches the tests only and they stop it.

    Args:
        name: as errors call it.
        folder: where it keeps its files and its log; must exist.
        port: loopback port, held until the server is forgotten. Default: a free one.
    """

    ready_within: float = 60.0
    """Seconds."""
    stopped_within: float = 20.0
    """Seconds, after which `stop` kills."""
    stop_signal: signal.Signals = signal.SIGTERM
    kill_signal: signal.Signals = signal.SIGKILL

    def __init__(self, name: str, folder: Path, port: HeldPort | None = None) -> None:
        self.name = name
        self.folder = folder
        self._held = port or HeldPort()
        self.port = self._held.number
        self.log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str | Path]:
        """Return the command line that runs the server in the foreground."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Return the environment variables it gets."""
        return os.environ

    def user(self) -> str | None:
        """Return the account it runs as, or None for ours."""
        return None

    def ready(self) -> bool:
        """Return whether it serves. Asked again and again until it does."""
        return listening(self.port)

    @property
    def running(self) -> bool:
        """Return whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Return the running server's process id."""
        if self._process is None or not self.running:
            raise ServerError(f"{self.name} is not running")
        return self._process.pid

    def start(self) -> Self:
        """Start it and wait until it serves, unless it runs already.

        Raises:
            ServerError: it ended, or was not ready in time; with the end of its log.
        """
        if not self.running:
            self._process = self._popen(self.command())
            try:
                self._await_ready(self._process)
            except BaseException:
                self.kill()
                raise
        return self

    def stop(self) -> None:
        """Ask it to end and wait until it has, or kill it when it does not."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End it as a crash would, with all its children."""
        self._end(self.kill_signal)

    def restart(self) -> Self:
        """Stop it and start it again, on the same port."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def run(self, command: Sequence[str | Path]) -> None:
        """Run a preparing command to its end, as the server would be run.

        Raises:
            ServerError: it failed or took longer than ``ready_within``.
        """
        process = self._popen(command)
        try:
            code = process.wait(self.ready_within)
        except subprocess.TimeoutExpired:
            code = None
            _signal_group(process, signal.SIGKILL)
            process.wait()
        if code != 0:
            raise self.error(f"{' '.join(map(str, command))}: exit code {code}")

    def error(self, what: str) -> ServerError:
        """Return the error for ``what`` went wrong, with the end of the log."""
        return ServerError(f"{self.name}: {what}\n--- end of {self.log}\n{tail(self.log)}")

    def _popen(self, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        user = self.user()
        account = {"user": user, "group": _group(user), "extra_groups": []} if user else {}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [str(word) for word in command],
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **account,
            )

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self.ready_within
        while not self.ready():
            if process.poll() is not None:
                raise self.error(f"ended at once, exit code {process.returncode}")
            if time.monotonic() > deadline:
                raise self.error(f"not ready within {self.ready_within:.0f} s")
            time.sleep(_POLL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if how == signal.SIGKILL:
            _signal_group(process, how)
        elif process.poll() is None:
            process.send_signal(how)
        try:
            process.wait(self.stopped_within)
        except subprocess.TimeoutExpired:
            _signal_group(process, signal.SIGKILL)
            process.wait()


def _signal_group(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Signal the process and its children: it leads the group that its session made."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, how)


def _group(user: str) -> int:
    return pwd.getpwnam(user).pw_gid
