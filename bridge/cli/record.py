"""The command ``progress-bridge record``: one completion."""

from __future__ import annotations

from datetime import datetime

import click

from bridge.cli.context import Context, json_option, pass_context
from bridge.cli.output import OUTCOME_WORDS, example, print_json
from bridge.json_format import parse_instant
from bridge.model import Identity


def _instant(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> datetime | None:
    """Read when it was completed, in ISO 8601."""
    try:
        return None if value is None else parse_instant(value)
    except ValueError:
        raise click.BadParameter("not an instant such as 2026-01-31T12:00:00Z") from None


@click.command(epilog=example("record moodle 12345 grain-1 --module m1 --at 2026-01-31T12:00:00Z"))
@click.argument("origin")
@click.argument("external_id")
@click.argument("grain")
@click.option("--module", metavar="ID", help="The module the grain belongs to.")
@click.option("--sequence", metavar="ID", help="The sequence the grain belongs to.")
@click.option(
    "--at", metavar="ISO8601", callback=_instant, help="When, with a time zone.  [default: now]"
)
@click.option("--email", metavar="ADDRESS", help="Kept only where store_email is true.")
@json_option
@pass_context
def record(
    context: Context,
    origin: str,
    external_id: str,
    grain: str,
    module: str | None,
    sequence: str | None,
    at: datetime | None,
    email: str | None,
    as_json: bool,
) -> None:
    """Record that the learner EXTERNAL_ID of ORIGIN finished GRAIN.

    ORIGIN is moodle, funmooc or direct. The earliest completion is the one that stays: recording
    the same again changes nothing.
    """
    identity = Identity(origin, external_id)
    with context.bridge() as bridge:
        outcome = bridge.record(
            origin,
            external_id,
            grain,
            module_id=module,
            sequence_id=sequence,
            completed_at=at,
            email=email,
        )
    if as_json:
        print_json({"outcome": outcome.status}, indent=None)
    else:
        click.echo(f"{identity}, {grain}: {OUTCOME_WORDS[outcome.status]}")
