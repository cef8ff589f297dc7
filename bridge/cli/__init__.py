"""The command ``progress-bridge``: one module for each command, or for two that go together."""

from __future__ import annotations

from typing import Final

import click

from bridge import __version__
from bridge.cli.check import check
from bridge.cli.context import Context
from bridge.cli.dead import dead
from bridge.cli.deliver import deliver
from bridge.cli.erase import erase
from bridge.cli.errors import Group, show_bugs_in_one_line
from bridge.cli.keys import keys
from bridge.cli.output import example
from bridge.cli.pending import pending
from bridge.cli.progress import progress
from bridge.cli.record import record
from bridge.cli.serve import serve
from bridge.cli.setup import setup
from bridge.cli.status import status


@click.group(
    "progress-bridge",
    cls=Group,
    epilog=example("--config bridge.yaml check"),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(dir_okay=False, readable=False),  # Settings.load says why it cannot be read
    envvar="PROGRESS_BRIDGE_CONFIG",
    help="YAML configuration.  [default: what PROGRESS_BRIDGE_CONFIG names]",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, prog_name="progress-bridge")
@click.pass_context
def cli(context: click.Context, config: str | None, debug: bool) -> None:
    """Keep one learner record for FunMooc, Moodle and the direct site.

    Exit codes: 0 done; 1 the store or the configuration has to be mended, or a completion is
    refused; 2 wrong usage or a value that breaks a rule; 3 the store or the outbox is not
    available now, try again later; 4 of `status` alone, there are dead letters.
    """
    context.obj = Context(config=config, debug=debug)


_RECORDS: Final = (check, setup, record, progress, erase, pending)
_OPERATIONS: Final = (deliver, status, dead, serve, keys)
for _command in (*_RECORDS, *_OPERATIONS):
    cli.add_command(_command)


def main() -> None:
    """Run the command line, where not even a bug shows a traceback without --debug."""
    show_bugs_in_one_line()
    cli(prog_name="progress-bridge")
