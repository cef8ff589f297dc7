"""What a writer meant to put, and what was accepted: written down before it goes on.

Two lines for each chunk: ``? 7`` before each try to put it, ``+ 7`` once it is accepted. A line
that was written is there when the process is killed, for the operating system holds it; no more is
asked, since the machine itself is not switched off.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


@dataclass
class Account:
    """What a ledger says.

    Attributes:
        accepted: chunks whose put returned.
        uncertain: chunks that may be there or not, but never in part: the writer was killed.
        tries: how often a put of each chunk was begun: so often it may be in the outbox.
    """

    accepted: set[int] = field(default_factory=set)
    uncertain: set[int] = field(default_factory=set)
    tries: Counter[int] = field(default_factory=Counter)

    @property
    def next(self) -> int:
        """Return the first chunk that was never begun."""
        return max(self.tries, default=-1) + 1


class Ledger:
    """The file of one writer. A context manager."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def trying(self, chunk: int) -> None:
        """Note that the chunk is about to be put."""
        os.write(self._file, b"? %d\n" % chunk)

    def accepted(self, chunk: int) -> None:
        """Note that the put has returned."""
        os.write(self._file, b"+ %d\n" % chunk)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


def read(path: Path) -> Account:
    """Read what the ledger says, nothing when there is none."""
    account = Account()
    if not path.exists():
        return account
    for line in path.read_text().splitlines():
        mark, number = line.split()
        if mark == "?":
            account.tries[int(number)] += 1
        else:
            account.accepted.add(int(number))
    account.uncertain = set(account.tries) - account.accepted
    return account
