"""``manage.py lms send_pending_progress``."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from bridge import Bridge, BridgeError, ConfigurationError
from progress_xblock import lms
from progress_xblock.health import block_settings
from progress_xblock.pending import CHANGED, UNREADABLE, export, send
from progress_xblock.settings import learner_id, settings_for
from progress_xblock.student_modules import StudentModules

_WORDS: Final = {
    "created": "recorded",
    "already_recorded": "already recorded",
    "moved_earlier": "moved to an earlier completion",
    "accepted": "accepted by the outbox",
    "rejected": "refused by the store",
    UNREADABLE: "cannot be read, left for the learner's next visit",
    CHANGED: "of them changed by their learner meanwhile",
}


class Command(BaseCommand):
    """Pass on what waits in learners' states, for those who do not come back."""

    help = (
        "Pass on the completions of ProgressXBlock that could not be recorded when their learners "
        "clicked. May be run at any time, and again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the two options, of which one at most may be given."""
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--dry-run", action="store_true", help="Only tell how many wait.")
        what.add_argument(
            "--export",
            metavar="FILE",
            type=Path,
            help="Write them to FILE (personal data) for `progress-bridge pending` instead.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Count, export or pass on what waits, and print a line for each kind of outcome."""
        rows = _student_modules()
        if options["dry_run"]:
            self.stdout.write(f"{sum(1 for _ in rows)} waiting")
        elif options["export"]:
            self.stdout.write(f"{_write(options['export'], rows)} exported")
        else:
            self._tell(_send(rows))

    def _tell(self, tally: Counter[str]) -> None:
        for kind, count in tally.items():
            self.stdout.write(f"{count} {_WORDS[kind]}")
        if not tally:
            self.stdout.write("nothing is waiting")


def _student_modules() -> StudentModules:
    try:
        return lms.student_modules(learner_id(block_settings()))
    except ImportError:
        raise CommandError("this is not an LMS: learners' states are not here") from None
    except ConfigurationError as error:
        raise CommandError(f"mend this first: {error}") from None


def _send(rows: StudentModules) -> Counter[str]:
    try:
        with Bridge.from_settings(settings_for(block_settings())) as bridge:
            return send(rows, bridge, rows.save, rows.is_forgotten)
    except BridgeError as error:
        raise CommandError(f"not all were passed on, run it again later: {error}") from None


def _write(path: Path, rows: StudentModules) -> int:
    """Write the export to a file that its owner alone may read, even one that was there before.

    Returns:
        How many completions are in it.
    """
    count = 0
    path.touch(mode=0o600)
    path.chmod(0o600)
    with path.open("w", encoding="utf-8") as file:
        for line in export(rows):
            file.write(line + "\n")
            count += 1
    return count
