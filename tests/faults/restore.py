"""The base goes back to an older dump while the bridge works, as a data owner may do.

What the base holds and the dump does not is the owner's loss, and nobody else's: it is read in the
very transaction that restores, and handed to the judge. Everything else has to be there in the end.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import psycopg

from tests.faults.verdict import Key, Learner, Row
from tests.servers.postgres import program

TABLES: Final = ("apprenants", "progress")

ROWS: Final = (
    "SELECT a.origin, a.external_user_id, p.grain_id, p.module_id, p.sequence_id, p.completed_at "
    "FROM public.progress p JOIN public.apprenants a ON a.id = p.apprenant_id"
)
LEARNERS: Final = "SELECT origin, external_user_id FROM public.apprenants"


@dataclass
class Restores:
    """What the restores of a campaign took and brought back.

    Attributes:
        lost: whose row, of which grain, was thrown away or put back to a later instant.
        returned: learners who had been erased since the dump.
    """

    lost: set[Key] = field(default_factory=set)
    returned: set[Learner] = field(default_factory=set)


def restore_older_dump(url: str, wait: Callable[[], object], restores: Restores) -> None:
    """Dump both tables, wait, and go back to the dump, sequences included.

    Args:
        url: of the base.
        wait: called between dump and restore, while the bridge goes on.
        restores: is told what was lost.
    """
    dump = _dump(url)
    wait()
    with psycopg.connect(url) as base:  # one transaction
        base.execute(f"LOCK TABLE {', '.join(TABLES)} IN ACCESS EXCLUSIVE MODE")
        rows_before, learners_before = _contents(base)
        base.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY CASCADE")
        base.execute(dump.encode())
        rows, learners = _contents(base)
    restores.lost |= {row[:3] for row in rows_before - rows}
    restores.returned |= learners - learners_before


def _contents(base: psycopg.Connection) -> tuple[set[Row], set[Learner]]:
    return set(base.execute(ROWS).fetchall()), set(base.execute(LEARNERS).fetchall())


def _dump(url: str) -> str:
    """Return both tables' rows and sequences as statements, by pg_dump."""
    which = [word for table in TABLES for word in ("--table", table)]
    command = [program("pg_dump"), "--dbname", url, "--data-only", "--rows-per-insert=1000", *which]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    # psql's own commands, which fence a dump, are no statements
    return "".join(x for x in done.stdout.splitlines(keepends=True) if not x.startswith("\\"))
