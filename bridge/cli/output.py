"""What commands print, and how: JSON, text that is safe in a terminal, examples, outcomes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import click

from bridge.model import Status

OUTCOME_WORDS: Final[Mapping[Status, str]] = {
    Status.CREATED: "recorded",
    Status.ALREADY_RECORDED: "already recorded, nothing changed",
    Status.MOVED_EARLIER: "moved to this earlier completion",
    Status.ACCEPTED: "accepted, to be delivered from the outbox",
    Status.REJECTED: "refused by the store",
}
"""What became of a completion, for people."""


def example(arguments: str) -> str:
    """Return the end of a command's help: an example of its use."""
    return f"\b\nExample:\n  progress-bridge {arguments}"


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON.

    Args:
        value: what JSON can hold.
        indent: spaces for each level, or None for one line.
    """
    click.echo(json.dumps(value, indent=indent, ensure_ascii=False))


def printable(text: str, instead: str = " ") -> str:
    """Return the text with ``instead`` for what is not printable: line ends, terminal codes."""
    return "".join(character if character.isprintable() else instead for character in text)


def one_line(text: str) -> str:
    """Return the text as one line: printable, with single spaces."""
    return " ".join(printable(text).split())
