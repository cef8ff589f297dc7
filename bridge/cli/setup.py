"""The command ``progress-bridge setup``: what Directus needs before the bridge can use it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from bridge.cli.context import Context, pass_context
from bridge.cli.output import example
from bridge.config import Secret, Settings, StoreSettings
from bridge.errors import ConfigurationError
from bridge.stores.directus.client import DirectusClient
from bridge.stores.directus.setup.grant import grant, is_bridges_token
from bridge.stores.directus.setup.register import register

ADMIN_TOKEN: Final = "PROGRESS_BRIDGE_ADMIN_TOKEN"  # noqa: S105 -- the variable's name
_READ_TIMEOUT: Final = 300.0
"""Seconds for an answer: making a foreign key again reads the whole table."""

TokenWriter = Callable[[Secret], None]
"""Hands the bridge's new token to whoever runs the command."""


@click.command(epilog=example("setup --url https://directus.example.org --token-file bridge-token"))
@click.option("--url", metavar="URL", help="Directus's address.  [default: store.url]")
@click.option(
    "--admin-token-file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"File with an administrator's token.  [default: {ADMIN_TOKEN}, else asked for]",
)
@click.option(
    "--token-file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the bridge's token there (mode 0600) instead of printing it.",
)
@click.option("--new-token", is_flag=True, help="Make a new token; the old one ends.")
@click.option("--keep-activity", is_flag=True, help="Leave activity and revisions on.")
@pass_context
def setup(
    context: Context,
    url: str | None,
    admin_token_file: Path | None,
    token_file: Path | None,
    new_token: bool,
    keep_activity: bool,
) -> None:
    """Prepare Directus: collections, fields, relation, and the bridge's own token.

    The tables must be there already (sql/schema-multi-origin.sql, or the migration). Safe to run
    again: says what it changes, keeps what was set by hand, and keeps the bridge's token unless
    --new-token is given. Fails when --token-file does not hold that token at the end. Turns
    activity and revisions off for both collections: they cost more than half of every write, and
    keep a copy of a learner who was erased.
    """
    store = _administrators_store(context, url, _admin_token(admin_token_file))
    client = DirectusClient(store)
    try:
        with _token_writer(token_file) as write_token:
            changes = [
                *_printed(register(client, store.names, keep_activity=keep_activity)),
                *_printed(grant(client, store.names, write_token, new_token=new_token)),
            ]
        if not changes:
            click.echo("Nothing to change: Directus is set up, and the bridge's token is kept.")
        if token_file is not None:
            _require_token_in(token_file, client, store)
    finally:
        client.close()


def _require_token_in(path: Path, admin: DirectusClient, store: StoreSettings) -> None:
    """Make sure that the file holds the bridge's token. Directus tells a token to nobody.

    Raises:
        ConfigurationError: it does not, for the token was made before and is kept.
    """
    text = path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else ""
    if not text.isascii() or not text.isprintable():
        text = ""
    client = DirectusClient(dataclasses.replace(store, token=Secret(text)))
    try:
        if text and is_bridges_token(admin, client):
            return
    finally:
        client.close()
    raise ConfigurationError(
        f"--token-file {path}: not written. The bridge has a token already, which Directus does "
        "not show again: copy the file that holds it, or run setup again with --new-token, which "
        "makes another and ends the old one"
    )


def _printed(changes: Iterator[str]) -> Iterator[str]:
    """Print each change as it is made."""
    for change in changes:
        click.echo(change)
        yield change


def _admin_token(path: Path | None) -> str:
    if path is not None:
        return path.read_text(encoding="utf-8").strip()
    token = os.environ.get(ADMIN_TOKEN) or click.prompt("Administrator's token", hide_input=True)
    return str(token).strip()


def _administrators_store(context: Context, url: str | None, token: str) -> StoreSettings:
    """Return the store's settings with the administrator's token. The bridge may have none yet."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if name != "PROGRESS_BRIDGE_STORE_TOKEN_FILE"
    }
    environ["PROGRESS_BRIDGE_STORE_TOKEN"] = token
    if url:
        environ["PROGRESS_BRIDGE_STORE_URL"] = url
    store = Settings.load(context.config, environ).store
    if store.scheme not in ("http", "https"):
        raise ConfigurationError(
            f"store.url: {store.scheme} needs no setup; it is for Directus (http or https)"
        )
    return dataclasses.replace(store, read_timeout=max(store.read_timeout, _READ_TIMEOUT))


@contextmanager
def _token_writer(path: Path | None) -> Iterator[TokenWriter]:
    """Open where the bridge's token goes, before the token is made."""
    if path is None:
        yield lambda token: click.echo(f"The bridge's token, shown this once: {token.reveal()}")
        return
    new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    written = False

    def write(token: Secret) -> None:
        nonlocal written
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, token.reveal().encode() + b"\n")
        written = True

    try:
        yield write
    finally:
        os.close(descriptor)
        if new and not written:
            path.unlink()
