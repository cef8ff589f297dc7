"""The command ``progress-bridge keys``: server keys for the HTTP service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from bridge.cli.context import Context, json_option, pass_context
from bridge.cli.output import example, print_json
from bridge.errors import ConfigurationError
from bridge.model import Origin
from bridge.service.auth.keys import KeyRight, ServerKey, edit_keys, new_key, read_keys

_file_option: Final = click.option(
    "--file",
    "path",
    metavar="FILE",
    type=click.Path(dir_okay=False, readable=False, path_type=Path),  # read_keys says it better
    help="The keys' file.  [default: service.keys_file]",
)


@click.group(epilog=example("keys new --name moodle --origin moodle --right write --right erase"))
def keys() -> None:
    """Manage server keys: who may call the HTTP service, for whom and to do what.

    A running service takes a change within a second.
    """


@keys.command(epilog=example("keys new --name moodle --origin moodle --right write --right erase"))
@click.option("--name", metavar="NAME", required=True, help="Whose key it is, for people.")
@click.option(
    "--origin",
    "origins",
    type=click.Choice([str(origin) for origin in Origin]),
    required=True,
    multiple=True,
    help="Whose learners it is for; may be repeated.",
)
@click.option(
    "--right",
    "rights",
    type=click.Choice([str(right) for right in KeyRight]),
    required=True,
    multiple=True,
    help="What it may do; may be repeated.",
)
@_file_option
@pass_context
def new(
    context: Context,
    name: str,
    origins: Sequence[str],
    rights: Sequence[str],
    path: Path | None,
) -> None:
    """Make a key and print it, this once: the file keeps its hash alone."""
    path = _keys_file(context, path)
    key, text = new_key(name, [Origin(o) for o in origins], [KeyRight(r) for r in rights])
    with edit_keys(path) as known:
        known.append(key)
    click.echo(text.reveal())
    click.echo(f"Key {key.id} is in {path}. It is shown this once.", err=True)


@keys.command("list", epilog=example("keys list"))
@_file_option
@json_option
@pass_context
def list_keys(context: Context, path: Path | None, as_json: bool) -> None:
    """List the keys, without the keys themselves: nobody has them."""
    found = read_keys(_keys_file(context, path))
    if as_json:
        print_json([_as_json(key) for key in found])
        return
    for key in found:
        shown = _as_json(key)
        origins, rights = ",".join(shown["origins"]), ",".join(shown["rights"])
        click.echo(f"{key.id}  {key.created:<10}  {key.name}  {origins}: {rights}")
    if not found:
        click.echo("There are no keys.")


@keys.command(epilog=example("keys revoke 3f9a1c2e"))
@click.argument("key_id")
@_file_option
@pass_context
def revoke(context: Context, key_id: str, path: Path | None) -> None:
    """End a key: the service refuses it from the next second on."""
    path = _keys_file(context, path)
    with edit_keys(path) as known:
        left = [key for key in known if key.id != key_id]
        if len(left) == len(known):
            raise ConfigurationError(f"no key {key_id} in {path}")
        known[:] = left
    click.echo(f"Key {key_id} is revoked.")


def _keys_file(context: Context, path: Path | None) -> Path:
    if path is None:
        try:
            path = context.settings().service.keys_file
        except ConfigurationError as error:
            raise ConfigurationError(f"{error}; or name the keys' file with --file") from error
    if path is None:
        raise ConfigurationError("no keys' file: give --file, or set service.keys_file")
    return path


def _as_json(key: ServerKey) -> dict[str, str | list[str]]:
    return {
        "id": key.id,
        "name": key.name,
        "origins": [str(origin) for origin in Origin if origin in key.origins],
        "rights": [str(right) for right in KeyRight if right in key.rights],
        "created": key.created,
    }
