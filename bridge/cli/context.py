"""The global options, handed to every command, and the options that commands share."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

import click

from bridge.config import Settings
from bridge.errors import ConfigurationError, OutboxUnavailable
from bridge.facade import Bridge
from bridge.outbox import Outbox, open_outbox
from bridge.support.logs import event

_log: Final = logging.getLogger("bridge.delivery")


@dataclass(frozen=True, slots=True)
class Context:
    """The global options.

    Attributes:
        config: path of the YAML file, or None for the environment alone.
        debug: show tracebacks.
    """

    config: str | None
    debug: bool

    def settings(self) -> Settings:
        """Read the configuration.

        Raises:
            ConfigurationError: naming the setting and what is wrong with it.
        """
        return Settings.load(self.config)

    def bridge(self) -> Bridge:
        """Open the bridge of the configuration. Whoever asks has to close it."""
        return Bridge.from_settings(self.settings())

    def outbox(self) -> Outbox:
        """Open the outbox of the configuration. Whoever asks has to close it.

        Raises:
            ConfigurationError: it names none.
        """
        outbox = open_outbox(self.settings())
        if outbox is None:
            raise ConfigurationError(
                "no outbox: set outbox.url in the configuration, or PROGRESS_BRIDGE_OUTBOX_URL"
            )
        return outbox


def claim(outbox: Outbox, *, adopt: bool) -> None:
    """Mark the outbox for this configuration's store before anything is delivered from it.

    An outbox that is not available now is marked when it is, unless it is to be adopted.

    Raises:
        OutboxOfAnotherStore: it is marked for another one.
        OutboxUnavailable: it cannot be adopted now.
    """
    try:
        former = outbox.claim(adopt=adopt)
    except OutboxUnavailable:
        if adopt:
            raise
    else:
        if former is not None:
            event(_log, logging.WARNING, "outbox_adopted", formerly=former)


pass_context: Final = click.make_pass_decorator(Context)

json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
"""The option that every command with an answer has."""

adopt_option: Final = click.option(
    "--adopt", is_flag=True, help="Take over an outbox of another store, with all that it holds."
)
"""The option of every command that delivers."""

yes_option: Final = click.option("--yes", is_flag=True, help="Do not ask.")
"""The option of every command that asks before something is lost."""
