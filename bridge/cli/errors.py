"""Errors on the command line: one clear line on standard error, and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import click

from bridge.cli.output import one_line
from bridge.errors import (
    BridgeError,
    InvalidInput,
    OutboxUnavailable,
    StoreUnavailable,
)
from bridge.support.file_access import why_unwritable

MEND: Final = 1
"""The store, its rights or the configuration have to be mended, or a completion is refused."""
BAD_INPUT: Final = 2
"""Wrong usage (click's own code), or a value that breaks a rule."""
TRY_LATER: Final = 3
"""The store or the outbox is not available now. The same command may work later."""
DEAD_LETTERS: Final = 4
"""Of `status` alone: delivery is well, and there are dead letters for somebody to decide about.

Not one of the others: they say that completions which wait are not being delivered.
"""


def exit_code(error: BridgeError) -> int:
    """Return the exit code of a command that raised this error."""
    if isinstance(error, StoreUnavailable | OutboxUnavailable):
        return TRY_LATER
    return BAD_INPUT if isinstance(error, InvalidInput) else MEND


class Group(click.Group):
    """A group whose commands may raise any `BridgeError`."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and make a line and an exit code of a `BridgeError`."""
        try:
            return super().invoke(ctx)
        except (BridgeError, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise  # click ends quietly when the reader of a pipe is gone
            if ctx.params.get("debug"):
                traceback.print_exc()
            click.echo(f"Error: {one_line(_words(error)) or type(error).__name__}", err=True)
            ctx.exit(exit_code(error) if isinstance(error, BridgeError) else MEND)


def _words(error: BridgeError | OSError) -> str:
    """Return what an error says, with what to do, and of a file that is not ours whose it is."""
    if isinstance(error, PermissionError) and isinstance(error.filename, str | os.PathLike):
        return str(why_unwritable(Path(error.filename)) or error)
    remedy = error.remedy if isinstance(error, OutboxUnavailable) else ""
    return str(error) if remedy in str(error) else f"{error}: {remedy}"


def show_bugs_in_one_line() -> None:
    """Show an exception that nobody expected in one line, too, from here on."""
    sys.excepthook = _show_bug


def _show_bug(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    if "--debug" in sys.argv:
        traceback.print_exception(kind, error, where)
    else:  # not its text: nobody knows what an unexpected error holds
        click.echo(f"Error: unexpected {kind.__name__}; --debug shows where", err=True)
