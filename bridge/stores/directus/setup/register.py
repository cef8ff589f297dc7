"""The two tables made known to Directus: collections, fields, and the way from learner to progress.

Nothing here alters a table, but for the foreign key that Directus drops and makes again, in one
transaction and with its name and actions, when the relation is registered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bridge.config import Names
from bridge.errors import ConfigurationError, StoreMisconfigured
from bridge.stores.directus.answers import DirectusRefusal, Forbidden
from bridge.stores.directus.client import DirectusClient
from bridge.stores.directus.failures import ConnectionCut
from bridge.stores.directus.setup.definitions import Collection, Meta, collections

_CHANGES_VALUES: Final = frozenset(
    {
        *("date-created", "date-updated", "user-created", "user-updated"),
        *("role-created", "role-updated", "uuid", "hash", "conceal", "encrypt"),
        *("cast-boolean", "cast-csv", "cast-datetime", "cast-json"),
    }
)
"""What makes Directus write or give another value than it was given, or give it without its zone.

They are the transformers of its `PayloadService`.
"""

_WARMING_READS: Final = 8
"""How often a relation is read before it is written: see `_write_relation`."""


def register(client: DirectusClient, names: Names, *, keep_activity: bool) -> Iterator[str]:
    """Register what is not registered, and fill what is empty.

    Args:
        client: with an administrator's token.
        names: the data owner's names.
        keep_activity: leave activity and revisions on. They cost more than half of every write,
            and a revision keeps a copy of the learner's row after the learner is erased.

    Yields:
        Each change, in words.

    Raises:
        StoreMisconfigured: not an administrator's token, or the tables are not there.
        ConfigurationError: the names do not fit what the data owner set up.
    """
    clear_cache(client)
    learners, progress = collections(names)
    _require_tables(client, names, learners, progress)
    yield from _collection(client, learners)
    yield from _collection(client, progress)
    yield from _relation(client, names)
    clear_cache(client)
    if not keep_activity:
        yield from _without_activity(client, names.learners)
        yield from _without_activity(client, names.progress)


def clear_cache(client: DirectusClient) -> None:
    """Clear the system cache, without which Directus does not see what SQL made.

    Raises:
        StoreMisconfigured: not an administrator's token.
    """
    try:
        client.request("POST", "/utils/cache/clear", params={"system": ""})
    except Forbidden as error:
        if "HTTP 403" in str(error):
            raise StoreMisconfigured("the token is not that of an administrator") from None
        raise


def _require_tables(client: DirectusClient, names: Names, *wanted: Collection) -> None:
    for collection in wanted:
        try:
            client.request("GET", f"/collections/{collection.name}")
        except Forbidden:
            raise StoreMisconfigured(
                f"no table {collection.name} (with a primary key): run "
                "sql/schema-multi-origin.sql first"
            ) from None
        there = {field["field"] for field in _fields(client, collection.name)}
        alias = names.learner_fields.progress
        missing = [field for field in collection.fields if field not in there and field != alias]
        if missing:
            raise StoreMisconfigured(
                f"table {collection.name}: no column {', '.join(missing)}: run "
                "sql/schema-migration-multi-origin.sql first (or see store.names)"
            )


def _fields(client: DirectusClient, collection: str) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = client.request("GET", f"/fields/{collection}")
    return fields


def _collection(client: DirectusClient, wanted: Collection) -> Iterator[str]:
    path = f"/collections/{wanted.name}"
    registered = client.request("GET", path)["meta"]
    lacking = _lacking(wanted.meta, registered)
    if lacking:
        client.request("PATCH", path, body={"meta": lacking})
        yield f"collection {wanted.name}: {_change_in_words(registered, lacking)}"
    yield from _all_fields(client, wanted)


def _all_fields(client: DirectusClient, wanted: Collection) -> Iterator[str]:
    there = {field["field"]: field["meta"] for field in _fields(client, wanted.name)}
    changes: list[Meta] = []
    for name, meta in wanted.fields.items():
        if name not in there:
            alias = {"field": name, "type": "alias", "schema": None, "meta": meta}
            client.request("POST", f"/fields/{wanted.name}", body=alias)
            yield f"field {wanted.name}.{name}: made"
            continue
        if lacking := _lacking(meta, there[name]):
            yield f"field {wanted.name}.{name}: {_change_in_words(there[name], lacking)}"
        special, taken_off = _special(meta, there[name])
        if taken_off:
            yield f"field {wanted.name}.{name}: special {', '.join(taken_off)} taken off"
            lacking["special"] = special
        if lacking:
            changes.append({"field": name, "meta": lacking})
    if changes:
        client.request("PATCH", f"/fields/{wanted.name}", body=changes)


def _lacking(wanted: Meta, registered: Meta | None) -> Meta:
    """Return what is wanted and empty so far, which is all of it when nothing is registered.

    False is not empty, but somebody's choice.
    """
    if registered is None:
        return wanted
    return {
        key: value for key, value in wanted.items() if registered.get(key) in (None, "", [], {})
    }


def _special(wanted: Meta, registered: Meta | None) -> tuple[list[str] | None, list[str]]:
    """Choose what a field is to have as ``special``, so that Directus keeps values as they are.

    Returns:
        What it is to have, and what of it has to go.
    """
    before = (registered or {}).get("special") or []
    kept = wanted.get("special") or []
    taken_off = [name for name in before if name in _CHANGES_VALUES and name not in kept]
    left = [name for name in before if name not in taken_off]
    return left or kept or None, taken_off


def _change_in_words(registered: Meta | None, lacking: Meta) -> str:
    if registered is None:
        return "registered"
    shown = ("labels" if key == "translations" else key for key in lacking)
    return f"{', '.join(shown)} filled"


def _relation(client: DirectusClient, names: Names) -> Iterator[str]:
    field, alias = names.progress_fields.learner, names.learner_fields.progress
    registered = _registered_relation(client, names)
    meta = (registered and registered["meta"]) or {}
    shown_as = meta.get("one_field")
    if shown_as not in (None, alias):
        raise ConfigurationError(
            f"store.names.learner_fields.progress: {names.learners} shows its {names.progress} as "
            f"the field {shown_as}; set it to that name"
        )
    if shown_as != alias or meta.get("one_deselect_action") != "delete":
        _write_relation(client, names, registered)
        yield f"relation {names.progress}.{field} to {names.learners}.{alias}: registered"
    action = ((registered and registered["schema"]) or {}).get("on_delete")
    if action in ("SET NULL", "SET DEFAULT"):
        yield (
            f"{names.progress}.{field}: its foreign key is ON DELETE {action}: a row that comes "
            "while its learner is erased would be left without an owner; make it ON DELETE CASCADE"
        )


def _registered_relation(client: DirectusClient, names: Names) -> dict[str, Any] | None:
    relations = client.request("GET", f"/relations/{names.progress}")
    field = names.progress_fields.learner
    return next((relation for relation in relations if relation["field"] == field), None)


def _write_relation(
    client: DirectusClient, names: Names, registered: dict[str, Any] | None
) -> None:
    """Register the relation, with its foreign key as it was.

    Directus makes the foreign key again from the body of the request, so that must name all of it
    (directus/directus#28135). And 11.17 ends, with the transaction undone, when its schema cache
    is cold. Reading warms it, and repeatedly so where a balancer spreads requests over several
    instances. Rows that leave a learner's list are deleted: they cannot be without a learner.
    """
    schema = (registered and registered["schema"]) or {}
    actions = {action: schema.get(action) or "NO ACTION" for action in ("on_delete", "on_update")}
    body = {
        "collection": names.progress,
        "field": names.progress_fields.learner,
        "related_collection": names.learners,
        "schema": actions if registered else {"on_delete": "CASCADE"},
        "meta": {"one_field": names.learner_fields.progress, "one_deselect_action": "delete"},
    }
    path = f"/relations/{names.progress}/{names.progress_fields.learner}"
    try:
        if registered is None:
            client.request("POST", "/relations", body=body)
            return
        _require_directus_key(client, names)
        for _ in range(_WARMING_READS):
            client.request("GET", path)
        client.request("PATCH", path, body=body)
    except DirectusRefusal as refusal:
        raise StoreMisconfigured(
            f"Directus cannot make the foreign key from {names.progress} to {names.learners} "
            f"({refusal}); are there rows of a learner who is gone?"
        ) from None
    except ConnectionCut:
        raise StoreMisconfigured(
            "Directus ended while it registered the relation, which it undid (a defect of 11 when "
            "CACHE_SCHEMA_FREEZE_ENABLED is set, or its cache was cleared meanwhile): "
            "start it and run setup again"
        ) from None


def _require_directus_key(client: DirectusClient, names: Names) -> None:
    """Make sure that, on SQLite, the foreign key has the name that Directus expects.

    Otherwise Directus makes a second one, and carries out every nested write twice.

    Raises:
        StoreMisconfigured: it has another name.
    """
    statement = client.request("GET", f"/collections/{names.progress}")["schema"].get("sql")
    name = f"{names.progress}_{names.progress_fields.learner}_foreign"
    if statement is not None and name.lower() not in statement.lower():
        raise StoreMisconfigured(
            f"SQLite: the foreign key of {names.progress} must be declared as CONSTRAINT {name} "
            f"FOREIGN KEY ({names.progress_fields.learner})"
        )


def _without_activity(client: DirectusClient, collection: str) -> Iterator[str]:
    path = f"/collections/{collection}"
    if client.request("GET", path)["meta"]["accountability"] is not None:
        client.request("PATCH", path, body={"meta": {"accountability": None}})
        yield f"collection {collection}: activity and revisions off (--keep-activity keeps them)"
