"""The command ``progress-bridge progress``: what is recorded of a learner."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bridge.cli.context import Context, json_option, pass_context
from bridge.cli.output import example, print_json, printable
from bridge.model import Identity, Progress

_HEADINGS = ("COMPLETED AT (UTC)", "GRAIN", "MODULE", "SEQUENCE")


@click.command(epilog=example("progress direct 6f9619ff-8b86-4d01-b42d-00cf4fc964ff"))
@click.argument("origin")
@click.argument("external_id")
@json_option
@pass_context
def progress(context: Context, origin: str, external_id: str, as_json: bool) -> None:
    """Show what is recorded of the learner EXTERNAL_ID of ORIGIN, earliest first.

    ORIGIN is moodle, funmooc or direct. With --json, all that is kept of the learner: "learner"
    (null when nobody has seen them) and "progress".
    """
    identity = Identity(origin, external_id)
    with context.bridge() as bridge:
        if as_json:
            kept = bridge.export(origin, external_id) or {"learner": None, "progress": []}
            print_json(kept)
            return
        rows = bridge.progress(origin, external_id)
    if rows:
        _print_table(rows)
    else:
        click.echo(f"{identity}: nothing recorded")


def _print_table(rows: Sequence[Progress]) -> None:
    lines = [_HEADINGS, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _cells(row: Progress) -> tuple[str, str, str, str]:
    at = row.completed_at
    return (
        at.strftime("%Y-%m-%d %H:%M:%S") if at else "–",
        # something else than the bridge may have written these
        printable(row.grain_id, "?"),
        printable(row.module_id or "–", "?"),
        printable(row.sequence_id or "–", "?"),
    )
