"""``progress-bridge erase``."""

from __future__ import annotations

import json
from typing import Final

import click

from bridge.cli.context import Context, json_option, pass_context, yes_option
from bridge.model import Identity

_EXAMPLE: Final = """\b
Example:
  progress-bridge erase funmooc 0123456789abcdef0123456789abcdef"""


@click.command(epilog=_EXAMPLE)
@click.argument("origin")
@click.argument("external_id")
@yes_option
@json_option
@pass_context
def erase(context: Context, origin: str, external_id: str, yes: bool, as_json: bool) -> None:
    """Erase the learner EXTERNAL_ID of ORIGIN: their row, their progress, and what still waits.

    ORIGIN is moodle, funmooc or direct. Exit code 3 while a completion of theirs is being
    delivered, which would arrive afterwards: run it again.
    """
    identity = Identity(origin, external_id)
    if not yes:
        click.confirm(f"Erase {identity} for good?", abort=True, err=True)
    with context.bridge() as bridge:
        erased = bridge.erase(origin, external_id)
    if as_json:
        click.echo(json.dumps({"erased": erased}))
    else:
        click.echo(f"{identity}: {'erased' if erased else 'nothing was kept'}")
