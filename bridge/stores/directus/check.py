"""What `DirectusStore.check` looks at, with the bridge's own token.

Rights are read where Directus tells them (11 and 12: ``/permissions/me``) and tried where it does
not (10), with requests that touch no row. Unique constraints are tried with an array of made-up
rows, which Directus refuses as a whole. A base without any constraint takes those rows, which are
then removed (see `probe`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bridge.checks import Finding
from bridge.config import Names
from bridge.errors import StoreError, StoreMisconfigured, StoreUnavailable
from bridge.stores.directus.answers import DirectusRefusal, Forbidden
from bridge.stores.directus.client import DirectusClient
from bridge.stores.directus.methods import methods
from bridge.stores.directus.probe import learners_constraint, progress_constraint
from bridge.stores.directus.rights import (
    DirectusRight,
    learner_columns,
    needed_rights,
    progress_columns,
)

_RUN_SETUP: Final = "run progress-bridge setup"
_MAKE_TABLES: Final = (
    "run sql/schema-multi-origin.sql (or, on an old base, schema-migration-multi-origin.sql), "
    "then progress-bridge setup"
)

_CHANGES: Final = ("create", "update", "delete")

Permissions = dict[str, dict[str, dict[str, Any]]]


def check(
    client: DirectusClient, names: Names, rehearse: Callable[[], list[Finding]]
) -> list[Finding]:
    """Look at each thing that recording needs.

    Args:
        client: the server.
        names: the data owner's names.
        rehearse: does all of it once, when nothing is seen that would keep it from working.

    Returns:
        A finding for each, in the order in which to mend them.
    """
    findings: list[Finding] = []
    try:
        findings.append(_reach(client))
        findings += methods(client, names)
        if not _works(findings):
            return findings
        granted = _granted(client)
        findings += _administrator(client, granted)
        findings += _collections(client, names, granted)
        missing = _missing_rights(client, names, granted)
        findings += missing or [_ok("rights: all that the bridge needs")]
        if _works(findings):
            findings.append(learners_constraint(client, names))
            findings.append(progress_constraint(client, names))
        if _works(findings):
            findings += [_not_rehearsed()] if missing else rehearse()
    except StoreError as error:
        findings.append(_failed(error))
    return findings


def _works(findings: list[Finding]) -> bool:
    return all(finding.ok or not finding.fatal for finding in findings)


def _not_rehearsed() -> Finding:
    return _ok(
        "whether a learner's completions come back as they are is not tried: the rules on the "
        "rights might keep the made-up learner from being removed"
    )


def _ok(message: str) -> Finding:
    return Finding(ok=True, message=message)


def _failed(error: StoreError) -> Finding:
    """Turn an error into a finding. Its text says what is wrong, then often the remedy."""
    message, _, remedy = str(error).partition("; ")
    if isinstance(error, StoreUnavailable):
        default = "see that Directus runs and that store.url is right; it may also pass by itself"
    else:
        default = (
            "see that store.url and the token are those of Directus; "
            "`progress-bridge setup --new-token` makes a new token"
        )
    return Finding(ok=False, message=message, remedy=remedy or default)


def _reach(client: DirectusClient) -> Finding:
    """Make sure that Directus answers and knows the token."""
    info = client.request("GET", "/server/info")
    user = client.request("GET", "/users/me", params={"fields": "id"})
    if not isinstance(info, dict) or not isinstance(user, dict) or "id" not in user:
        raise StoreMisconfigured("store.url answers, but not as Directus does")
    version = info.get("version")
    return _ok(f"Directus{f' {version}' if version else ''} answers and knows the token")


def _granted(client: DirectusClient) -> Permissions | None:
    """Return the token's rights, or None where Directus does not tell them (before 11)."""
    try:
        granted = client.request("GET", "/permissions/me")
    except Forbidden:
        return None
    return granted if isinstance(granted, dict) else None


def _administrator(client: DirectusClient, granted: Permissions | None) -> list[Finding]:
    """Warn when the token may do far more than the bridge needs."""
    if granted is None:  # Directus 10, which shows administrators alone what their role may
        user = client.request("GET", "/users/me", params={"fields": "id,role.admin_access"})
        role = user.get("role") if isinstance(user, dict) else None
        mighty = isinstance(role, dict) and bool(role.get("admin_access"))
    else:
        mighty = any(_access(granted, "directus_permissions", do) != "none" for do in _CHANGES)
    if not mighty:
        return []
    return [
        Finding(
            ok=False,
            message="the token is an administrator's: whoever reads it may change all of Directus",
            remedy=f"{_RUN_SETUP}, and give the bridge the token that it makes",
            fatal=False,
        )
    ]


def _collections(
    client: DirectusClient, names: Names, granted: Permissions | None
) -> list[Finding]:
    findings = []
    for collection, columns in (
        (names.learners, learner_columns(names)),
        (names.progress, progress_columns(names)),
    ):
        if _readable(client, collection, columns, columns[0]):
            findings.append(_ok(f"collection {collection}: there, with its fields"))
        else:
            findings += _what_is_missing(client, collection, columns, granted)
    if all(finding.ok for finding in findings):
        findings.append(_alias(client, names))
    return findings


def _readable(
    client: DirectusClient,
    collection: str,
    columns: tuple[str, ...],
    primary_key: str,
    sort: str = "",
) -> bool:
    """Return whether these columns can be asked for, in the way that recording asks.

    The question finds no row, whatever the base holds. Directus 10 skips a field it does not know
    when asked to read it, but not in a filter.
    """
    nowhere: list[Any] = [{primary_key: {"_null": True}}]
    query: dict[str, Any] = {"limit": 1, "fields": list(columns)}
    if sort:
        query["sort"] = [sort]
    else:
        nowhere += [{column: {"_null": True}} for column in columns]
    query["filter"] = {"_and": nowhere}
    try:
        client.request("SEARCH", f"/items/{collection}", body={"query": query})
    except (Forbidden, DirectusRefusal):
        return False
    return True


def _what_is_missing(
    client: DirectusClient,
    collection: str,
    columns: tuple[str, ...],
    granted: Permissions | None,
) -> list[Finding]:
    primary_key = columns[0]
    missing = [
        column for column in columns if not _readable(client, collection, (column,), primary_key)
    ]
    if missing == list(columns):
        may_read = granted is not None and _access(granted, collection, "read") != "none"
        why = "missing" if may_read else "missing, or the token may not read it"
        return [Finding(ok=False, message=f"collection {collection}: {why}", remedy=_remedy(why))]
    readable = _fields(granted, collection, "read")
    return [
        Finding(ok=False, message=f"field {collection}.{column}: {why}", remedy=_remedy(why))
        for column in missing
        for why in (
            "missing"
            if readable is not None and ("*" in readable or column in readable)
            else "missing, or the token may not read it",
        )
    ]


def _remedy(why: str) -> str:
    if why == "missing":
        return _MAKE_TABLES
    return f"{_RUN_SETUP}; it tells when the table is to be made first"


def _alias(client: DirectusClient, names: Names) -> Finding:
    """Look for the learner's list of progress rows, which exists in Directus only."""
    primary_key, alias = names.learner_fields.id, names.learner_fields.progress
    nested = f"{alias}.{names.progress_fields.id}"
    field = f"field {names.learners}.{alias}"
    if _readable(client, names.learners, (nested,), primary_key, sort=alias):
        return _ok(f"{field}: there, leads to {names.progress}")
    return Finding(
        ok=False,
        message=f"{field}: not registered in Directus, or the token may not read it; without it "
        "no completion can move earlier",
        remedy=_RUN_SETUP,
    )


def _missing_rights(
    client: DirectusClient, names: Names, granted: Permissions | None
) -> list[Finding]:
    if granted is None:
        return [
            _no_right(right) for right in needed_rights(names) if not _may_do(client, names, right)
        ]
    findings = []
    for right in needed_rights(names):
        access = _access(granted, right.collection, right.action)
        fields = _fields(granted, right.collection, right.action) or []
        lacking = tuple(f for f in right.fields if "*" not in fields and f not in fields)
        if access == "none":
            findings.append(_no_right(right))
        elif lacking:
            findings.append(_no_right(DirectusRight(right.collection, right.action, lacking)))
        elif access == "partial":
            findings.append(_limited(right))
    return findings


def _no_right(right: DirectusRight) -> Finding:
    return Finding(ok=False, message=f"no right to {right}", remedy=_RUN_SETUP)


def _limited(right: DirectusRight) -> Finding:
    return Finding(
        ok=False,
        message=f"the right to {right} is limited by rules: some rows may be refused",
        remedy=f"{_RUN_SETUP}, or take the rules off",
        fatal=False,
    )


def _access(granted: Permissions, collection: str, action: str) -> str:
    return str(granted.get(collection, {}).get(action, {}).get("access", "none"))


def _fields(granted: Permissions | None, collection: str, action: str) -> list[str] | None:
    if granted is None:
        return None
    return granted.get(collection, {}).get(action, {}).get("fields") or []


def _may_do(client: DirectusClient, names: Names, right: DirectusRight) -> bool:
    """Return whether Directus 10 lets the token do this to no row at all.

    It refuses that to those who may not. Reading was tried already, and creating is seen when the
    unique constraints are.
    """
    path = f"/items/{right.collection}"
    alias = names.learner_fields.progress
    try:
        if right.action == "delete":
            client.request("DELETE", path, body=[])
        elif right.action == "update":
            nothing: dict[str, list[Any]] = {"create": [], "update": [], "delete": []}
            client.request("PATCH", path, body={"keys": [], "data": {alias: nothing}})
    except Forbidden:
        return False
    return True
