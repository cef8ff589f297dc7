"""The command ``progress-bridge dead``: the completions that the store refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any, Final

import click

from bridge.cli.context import Context, json_option, pass_context, yes_option
from bridge.cli.errors import MEND
from bridge.cli.output import example, one_line, print_json
from bridge.outbox import DeadLetter, Outbox

PAGE: Final = 500
"""Dead letters that are read, replayed or dropped at once."""

_all_option: Final = click.option("--all", "every", is_flag=True, help="Every dead letter.")


@click.group(epilog=example("dead list"))
def dead() -> None:
    """Look after the completions that the store refuses (dead letters).

    Each is kept, with the reason, until it is replayed or dropped. Learners' ids are cut at 8
    characters, e-mail addresses are not shown.
    """


@dead.command("list", epilog=example("dead list"))
@click.option("--most", metavar="N", type=click.IntRange(1), default=100, show_default=True)
@json_option
@pass_context
def list_(context: Context, most: int, as_json: bool) -> None:
    """List dead letters, first died first, one a line."""
    with closing(context.outbox()) as outbox:
        letters = [letter for letter, _ in zip(_letters(outbox), range(most), strict=False)]
        total = outbox.counts().dead
    if as_json:
        print_json([_as_json(letter) for letter in letters])
        return
    for letter in letters:
        shown = _as_json(letter)
        about = " ".join(str(shown[name] or "?") for name in ("died_at", "learner", "grain_id"))
        click.echo(f"{letter.id}  {about}: {one_line(letter.reason)}")
    if total > len(letters):
        click.echo(f"… and {total - len(letters):,} more (--most)")
    elif not letters:
        click.echo("no dead letters")


@dead.command(epilog=example("dead show 17"))
@click.argument("id")
@json_option
@pass_context
def show(context: Context, id: str, as_json: bool) -> None:
    """Show all that is known of the dead letter ID."""
    with closing(context.outbox()) as outbox:
        letter = next((letter for letter in _letters(outbox) if letter.id == id), None)
    if letter is None:
        _fail(f"no dead letter {one_line(id)}")
    elif as_json:
        print_json(_as_json(letter))
    else:
        for name, value in _as_json(letter).items():
            click.echo(f"{name:<13} {'–' if value is None else value}")


@dead.command(epilog=example("dead replay --all"))
@click.argument("ids", nargs=-1)
@_all_option
@pass_context
def replay(context: Context, ids: tuple[str, ...], every: bool) -> None:
    """Put the dead letters IDS back among those to be delivered.

    To be done once what the reason names is mended; what is refused again becomes a dead letter
    again.
    """
    with closing(context.outbox()) as outbox:
        _in_pages("replayed", outbox.replay, _chosen(outbox, ids, every))


@dead.command(epilog=example("dead drop 17 18"))
@click.argument("ids", nargs=-1)
@_all_option
@yes_option
@pass_context
def drop(context: Context, ids: tuple[str, ...], every: bool, yes: bool) -> None:
    """Forget the dead letters IDS for good: their completions are lost."""
    with closing(context.outbox()) as outbox:
        chosen = _chosen(outbox, ids, every)
        if chosen and not yes:
            click.confirm(f"Lose {_counted(len(chosen))} for good?", abort=True)
        _in_pages("dropped", outbox.drop, chosen)


def _letters(outbox: Outbox) -> Iterator[DeadLetter]:
    """Read all dead letters, a page at a time."""
    last: str | None = None
    while page := outbox.dead(PAGE, last):
        yield from page
        last = page[-1].id


def _chosen(outbox: Outbox, ids: Sequence[str], every: bool) -> list[str]:
    if bool(ids) is every:
        raise click.UsageError("Give the ids of dead letters, or --all.")
    return [letter.id for letter in _letters(outbox)] if every else list(dict.fromkeys(ids))


def _in_pages(done: str, action: Callable[[Sequence[str]], int], ids: Sequence[str]) -> None:
    """Do something to dead letters, a page at a time, and print to how many it was done."""
    count = sum(action(ids[start : start + PAGE]) for start in range(0, len(ids), PAGE))
    click.echo(f"{_counted(count)} {done}")
    if count < len(ids):
        _fail(f"{len(ids) - count} of the ids are of no dead letter")


def _counted(count: int) -> str:
    return f"{count:,} dead letter{'' if count == 1 else 's'}"


def _fail(why: str) -> None:
    click.echo(f"Error: {why}", err=True)
    raise SystemExit(MEND)


def _as_json(letter: DeadLetter) -> dict[str, Any]:
    """Return what may be shown.

    That is no more of the learner's id than 8 characters, and no e-mail address.
    """
    completion = letter.completion
    return {
        "id": letter.id,
        "died_at": letter.died_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "learner": str(completion.identity) if completion else None,
        "grain_id": completion.grain_id if completion else None,
        "module_id": completion.module_id if completion else None,
        "sequence_id": completion.sequence_id if completion else None,
        "completed_at": completion and completion.completed_at.isoformat(timespec="milliseconds"),
        "reason": one_line(letter.reason),
    }
