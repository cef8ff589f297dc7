"""The command ``progress-bridge erase``: a learner, for good."""

from __future__ import annotations

import click

from bridge.cli.context import Context, json_option, pass_context, yes_option
from bridge.cli.output import example, print_json
from bridge.model import Identity


@click.command(epilog=example("erase funmooc 0123456789abcdef0123456789abcdef"))
@click.argument("origin")
@click.argument("external_id")
@click.option("--later", is_flag=True, help="Leave it to a deliverer, though the store is down.")
@yes_option
@json_option
@pass_context
def erase(
    context: Context, origin: str, external_id: str, later: bool, yes: bool, as_json: bool
) -> None:
    """Erase the learner EXTERNAL_ID of ORIGIN: their row, their progress, and what still waits.

    ORIGIN is moodle, funmooc or direct. Exit code 3 while a completion of theirs is being
    delivered, which would arrive afterwards: run it again. With --later, the request is kept in
    the outbox and a deliverer carries it out; without an outbox --later changes nothing.
    """
    identity = Identity(origin, external_id)
    if not yes:
        click.confirm(f"Erase {identity} for good?", abort=True, err=True)
    with context.bridge() as bridge:
        asked = later and bridge.outbox is not None
        if asked:
            bridge.request_erasure(origin, external_id)
        erased = not asked and bridge.erase(origin, external_id)
    if as_json:
        print_json({"erased": erased} | ({"asked": True} if asked else {}), indent=None)
    elif asked:
        click.echo(f"{identity}: a deliverer erases them; `progress-bridge status` tells when done")
    else:
        click.echo(f"{identity}: {'erased' if erased else 'nothing was kept'}")
