"""The command ``progress-bridge pending``: what an LMS kept and exported.

It did so because its learners did not come back.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO, Final

import click

from bridge.cli.context import Context, json_option, pass_context
from bridge.cli.errors import BAD_INPUT, MEND
from bridge.cli.output import OUTCOME_WORDS, example, print_json, printable
from bridge.errors import InvalidCompletion, InvalidInput, RuleCode
from bridge.json_format import parse_instant
from bridge.model import Completion, Identity, Status
from bridge.support.nesting import TooDeep, load_json
from bridge.support.text_files import NotOneEncoding, TextFile

_WRONG: Final = "wrong"
_NEEDED: Final = ("origin", "external_user_id", "grain_id", "completed_at")
_OPTIONAL: Final = ("module_id", "sequence_id", "email", "usage")


@click.command(epilog=example("pending pending.jsonl"))
@click.argument("file", type=click.File("rb"))
@json_option
@pass_context
def pending(context: Context, file: BinaryIO, as_json: bool) -> None:
    """Record the completions that FILE holds, one JSON object a line.

    FILE (- for standard input) is what an LMS's send_pending_progress --export wrote. May be run
    again: what is recorded already stays as it is. A line that breaks a rule is told with its
    number and left out. The file may be UTF-8, UTF-16 or Windows-1252 (Latin-1): which one it was
    taken for is told on standard error. One that mixes them is refused, and nothing is recorded.
    """
    lines = _Lines(_text_of(file))
    tally: Counter[str] = Counter()
    with context.bridge() as bridge:
        for outcome in bridge.record_many(lines):
            number = lines.numbers.popleft()
            tally[outcome.status] += 1
            if outcome.status is Status.REJECTED:
                _print_wrong_line(number, f"refused by the store: {outcome.reason}")
    if lines.wrong:
        tally[_WRONG] = lines.wrong
    _print_tally(tally, as_json)
    if lines.wrong or tally[Status.REJECTED]:
        raise SystemExit(BAD_INPUT if lines.wrong else MEND)


def _text_of(file: BinaryIO) -> TextFile:
    """Return the file as text, and tell its encoding unless it is the usual one."""
    name = getattr(file, "name", "<stdin>")
    try:
        text = TextFile(file)
    except NotOneEncoding as error:
        click.echo(f"Error: {name}: {error}; nothing was recorded", err=True)
        raise SystemExit(BAD_INPUT) from None
    if not text.is_plain:
        click.echo(f"{name}: read as {text.encoding}", err=True)
    return text


class _Lines:
    """The completions of a file. Lines that hold none are told and counted.

    Attributes:
        numbers: those of the lines whose completions were read and not answered yet.
        wrong: how many lines broke a rule.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self.numbers: deque[int] = deque()
        self.wrong = 0

    def __iter__(self) -> Iterator[Completion]:
        for number, line in enumerate(self._lines, 1):
            if not line:
                continue
            try:
                completion = _completion(line)
            except InvalidInput as error:
                self.wrong += 1
                _print_wrong_line(number, str(error))
            else:
                self.numbers.append(number)
                yield completion


def _completion(line: str) -> Completion:
    """Read the completion in a line.

    Raises:
        InvalidInput: naming the rule that is broken.
    """
    try:
        values = load_json(line)
    except TooDeep as error:
        code = RuleCode.TOO_DEEP
        raise InvalidCompletion("line", str(error), "(not shown)", code) from None
    except ValueError:
        code = RuleCode.NOT_JSON
        raise InvalidCompletion("line", "not JSON", "(not shown)", code) from None
    if not isinstance(values, Mapping):
        raise InvalidCompletion("line", "not a JSON object", "(not shown)", RuleCode.NOT_AN_OBJECT)
    for name in values:
        if name not in (*_NEEDED, *_OPTIONAL):
            raise InvalidCompletion("line", "no such field", name[:80], RuleCode.UNKNOWN_FIELD)
    for name in _NEEDED:
        if values.get(name) is None:
            raise InvalidCompletion(name, "missing", "", RuleCode.MISSING)
    return Completion(
        Identity(values["origin"], values["external_user_id"]),
        values["grain_id"],
        values.get("module_id"),
        values.get("sequence_id"),
        _instant(values["completed_at"]),
        values.get("email"),
    )


def _instant(value: Any) -> datetime:
    """Read when it was completed, in ISO 8601."""
    try:
        return parse_instant(value)
    except ValueError:
        raise InvalidCompletion(
            "completed_at", "not an instant", str(value)[:80], RuleCode.NOT_AN_INSTANT
        ) from None


def _print_tally(tally: Mapping[str, int], as_json: bool) -> None:
    if as_json:
        print_json(dict(tally), indent=None)
        return
    for status, words in OUTCOME_WORDS.items():
        if tally[status]:
            click.echo(f"{tally[status]:,} {words}")
    if tally[_WRONG]:
        click.echo(f"{tally[_WRONG]:,} lines left out")
    if not tally:
        click.echo("nothing to record")


def _print_wrong_line(number: int, why: str) -> None:
    click.echo(f"line {number}: {printable(why)}", err=True)
