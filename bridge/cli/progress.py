"""``progress-bridge progress``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import click

from bridge.cli.context import Context, json_option, pass_context
from bridge.model import Identity, Progress

_HEAD = ("COMPLETED AT (UTC)", "GRAIN", "MODULE", "SEQUENCE")


_EXAMPLE: Final = """\b
Example:
  progress-bridge progress direct 6f9619ff-8b86-4d01-b42d-00cf4fc964ff"""


@click.command(epilog=_EXAMPLE)
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
            click.echo(json.dumps(kept, indent=2, ensure_ascii=False))
            return
        rows = bridge.progress(origin, external_id)
    if rows:
        _table(rows)
    else:
        click.echo(f"{identity}: nothing recorded")


def _table(rows: Sequence[Progress]) -> None:
    lines = [_HEAD, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _cells(row: Progress) -> tuple[str, str, str, str]:
    at = row.completed_at
    return (
        at.strftime("%Y-%m-%d %H:%M:%S") if at else "–",
        _printable(row.grain_id),
        _printable(row.module_id or "–"),
        _printable(row.sequence_id or "–"),
    )


def _printable(text: str) -> str:
    """Something else than the bridge may have written it: no terminal codes."""
    return "".join(character if character.isprintable() else "?" for character in text)
