"""``progress-bridge dead``: the completions that the store refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any, Final

import click

from bridge.cli.context import Context, json_option, pass_context, yes_option
from bridge.cli.errors import MEND
from bridge.outbox import DeadLetter, Outbox

PAGE: Final = 500

_all_option: Final = click.option("--all", "every", is_flag=True, help="Every dead letter.")


def _example(words: str) -> str:
    return f"\b\nExample:\n  progress-bridge dead {words}"


@click.group(epilog=_example("list"))
def dead() -> None:
    """Look after the completions that the store refuses (dead letters).

    Each is kept, with the reason, until it is replayed or dropped. Learners' ids are cut at 8
    characters, e-mail addresses are not shown.
    """


@dead.command("list", epilog=_example("list"))
@click.option("--most", metavar="N", type=click.IntRange(1), default=100, show_default=True)
@json_option
@pass_context
def list_(context: Context, most: int, as_json: bool) -> None:
    """List dead letters, first died first, one a line."""
    with closing(context.outbox()) as outbox:
        letters = [letter for letter, _ in zip(_letters(outbox), range(most), strict=False)]
        total = outbox.counts().dead
    if as_json:
        click.echo(json.dumps([_as_json(letter) for letter in letters], indent=2))
        return
    for letter in letters:
        shown = _as_json(letter)
        what = " ".join(str(shown[name] or "?") for name in ("died_at", "learner", "grain_id"))
        click.echo(f"{letter.id}  {what}: {_line(letter.reason)}")
    if total > len(letters):
        click.echo(f"… and {total - len(letters):,} more (--most)")
    elif not letters:
        click.echo("no dead letters")


@dead.command(epilog=_example("show 17"))
@click.argument("id")
@json_option
@pass_context
def show(context: Context, id: str, as_json: bool) -> None:
    """Show all that is known of the dead letter ID."""
    with closing(context.outbox()) as outbox:
        letter = next((letter for letter in _letters(outbox) if letter.id == id), None)
    if letter is None:
        _complain(f"no dead letter {_line(id)}")
    elif as_json:
        click.echo(json.dumps(_as_json(letter), indent=2))
    else:
        for name, value in _as_json(letter).items():
            click.echo(f"{name:<13} {'–' if value is None else value}")


@dead.command(epilog=_example("replay --all"))
@click.argument("ids", nargs=-1)
@_all_option
@pass_context
def replay(context: Context, ids: tuple[str, ...], every: bool) -> None:
    """Put the dead letters IDS back among those to be delivered.

    To be done once what the reason names is mended; what is refused again becomes a dead letter
    again.
    """
    with closing(context.outbox()) as outbox:
        _each("replayed", outbox.replay, _chosen(outbox, ids, every))


@dead.command(epilog=_example("drop 17 18"))
@click.argument("ids", nargs=-1)
@_all_option
@yes_option
@pass_context
def drop(context: Context, ids: tuple[str, ...], every: bool, yes: bool) -> None:
    """Forget the dead letters IDS for good: their completions are lost."""
    with closing(context.outbox()) as outbox:
        chosen = _chosen(outbox, ids, every)
        if chosen and not yes:
            click.confirm(f"Lose {_number(len(chosen))} for good?", abort=True)
        _each("dropped", outbox.drop, chosen)


def _letters(outbox: Outbox) -> Iterator[DeadLetter]:
    """All dead letters, a page at a time."""
    last: str | None = None
    while page := outbox.dead(PAGE, last):
        yield from page
        last = page[-1].id


def _chosen(outbox: Outbox, ids: Sequence[str], every: bool) -> list[str]:
    if bool(ids) is every:
        raise click.UsageError("Give the ids of dead letters, or --all.")
    return [letter.id for letter in _letters(outbox)] if every else list(dict.fromkeys(ids))


def _each(done: str, what: Callable[[Sequence[str]], int], ids: Sequence[str]) -> None:
    """Do it, a page at a time, and say to how many it was done."""
    count = sum(what(ids[start : start + PAGE]) for start in range(0, len(ids), PAGE))
    click.echo(f"{_number(count)} {done}")
    if count < len(ids):
        _complain(f"{len(ids) - count} of the ids are of no dead letter")


def _number(count: int) -> str:
    return f"{count:,} dead letter{'' if count == 1 else 's'}"


def _complain(what: str) -> None:
    click.echo(f"Error: {what}", err=True)
    raise SystemExit(MEND)


def _as_json(letter: DeadLetter) -> dict[str, Any]:
    """What may be shown: of the learner's id no more than 8 characters, no e-mail address."""
    completion = letter.completion
    return {
        "id": letter.id,
        "died_at": letter.died_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "learner": str(completion.identity) if completion else None,
        "grain_id": completion.grain_id if completion else None,
        "module_id": completion.module_id if completion else None,
        "sequence_id": completion.sequence_id if completion else None,
        "completed_at": completion and completion.completed_at.isoformat(timespec="milliseconds"),
        "reason": _line(letter.reason),
    }


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
