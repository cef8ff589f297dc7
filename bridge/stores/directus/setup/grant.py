"""The bridge's own user in Directus: a token with just the rights it needs.

Directus 11 and 12 keep rights in policies, 10 keeps them on roles. 12 without a licence takes no
list of fields in a right: there the rights are on all fields.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any, Final

from bridge.config import Names, Secret
from bridge.errors import StoreMisconfigured
from bridge.stores.directus.answers import Forbidden
from bridge.stores.directus.client import DirectusClient
from bridge.stores.directus.rights import DirectusRight, needed_rights

NAME: Final = "Progress bridge"
"""Name of the policy and of the role. By it a second run finds them again."""

_DESCRIPTION: Final = (
    "Enregistre les grains terminés · Records completed grains (progress-bridge setup)"
)
_ALL: Final = ["*"]


def grant(
    client: DirectusClient,
    names: Names,
    deliver: Callable[[Secret], None],
    *,
    new_token: bool = False,
) -> Iterator[str]:
    """Make the policy (or role) and the user, and put the rights right.

    Args:
        client: with an administrator's token.
        names: the data owner's names.
        deliver: is given the token, when one is made, once Directus knows it.
        new_token: make a new token even if there is one, which then is valid no longer.

    Yields:
        Each change, in words.

    Raises:
        StoreMisconfigured: the administrator may not do this.
    """
    policies = _has_policies(client)
    if policies:
        policy, changes = _named(client, "/policies", {"icon": "sync_alt", **_no_access()})
        yield from changes
        yield from _rights(client, names, "policy", policy)
        role, changes = _named(client, "/roles", {"icon": "sync_alt"})
        yield from changes
        yield from _attach(client, role, policy)
    else:
        role, changes = _named(client, "/roles", {"icon": "sync_alt", **_no_access()})
        yield from changes
        yield from _rights(client, names, "role", role)
    yield from _user(client, role, deliver, new_token)


def is_bridges_token(admin: DirectusClient, holder: DirectusClient) -> bool:
    """Return whether a token is that of the bridge's own user.

    Args:
        admin: with an administrator's token.
        holder: with the token that is asked about.
    """
    try:
        me = holder.request("GET", "/users/me", params={"fields": "id"})
    except StoreMisconfigured:
        return False
    roles = _find(admin, "/roles", "id", name=NAME)
    users = [user for role in roles for user in _find(admin, "/users", "id", role=role["id"])]
    return isinstance(me, dict) and me.get("id") in [user["id"] for user in users]


def _no_access() -> dict[str, bool]:
    return {"admin_access": False, "app_access": False}


def _has_policies(client: DirectusClient) -> bool:
    try:
        client.request("GET", "/policies", params={"limit": "1", "fields": "id"})
    except Forbidden:  # 404 before Directus 11
        return False
    return True


def _find(client: DirectusClient, path: str, fields: str, **equal: str) -> list[dict[str, Any]]:
    wanted = json.dumps({key: {"_eq": value} for key, value in equal.items()})
    found: list[dict[str, Any]] = client.request(
        "GET", path, params={"filter": wanted, "fields": fields, "limit": "-1"}
    )
    return found


def _named(client: DirectusClient, path: str, more: dict[str, Any]) -> tuple[str, list[str]]:
    """Find the policy or role that bears our name, and make it when there is none.

    Returns:
        Its id, and the changes in words.
    """
    found = _find(client, path, "id", name=NAME)
    if found:
        return str(found[0]["id"]), []
    body = {"name": NAME, "description": _DESCRIPTION, **more}
    made = client.request("POST", path, body=body)
    kind = "policy" if path == "/policies" else "role"
    return str(made["id"]), [f"{kind} “{NAME}”: made"]


def _attach(client: DirectusClient, role: str, policy: str) -> Iterator[str]:
    existing = client.request("GET", f"/roles/{role}", params={"fields": "policies.policy"})
    if policy not in [access["policy"] for access in existing["policies"]]:
        access = {"create": [{"policy": policy}], "update": [], "delete": []}
        client.request("PATCH", f"/roles/{role}", body={"policies": access})
        yield f"role “{NAME}”: given the policy"


def _rights(client: DirectusClient, names: Names, owner: str, key: str) -> Iterator[str]:
    """Give the bridge's own policy or role exactly the rights that it needs.

    Yields:
        Each change, in words.
    """
    existing = {
        (permission["collection"], permission["action"]): permission
        for permission in _find(
            client, "/permissions", "id,collection,action,fields", **{owner: key}
        )
    }
    for right in needed_rights(names):
        permission = existing.pop((right.collection, right.action), None)
        if permission is None:
            fields = _create_right(client, right, {owner: key})
            yield f"right: {right if fields != _ALL else _on_all(right)}"
        elif _differs(permission["fields"], right) and _narrow(client, permission, right):
            yield f"right: {right}, instead of on {', '.join(permission['fields'] or ['nothing'])}"
    for (collection, action), permission in existing.items():
        client.request("DELETE", f"/permissions/{permission['id']}")
        yield f"right: {action} {collection}: taken away"


def _on_all(right: DirectusRight) -> str:
    on_all = " (all fields)" if right.fields else ""
    return f"{right.action} {right.collection}{on_all}"


def _differs(fields: list[str] | None, right: DirectusRight) -> bool:
    return bool(right.fields) and set(fields or []) != set(right.fields)


def _create_right(client: DirectusClient, right: DirectusRight, owner: dict[str, str]) -> list[str]:
    """Create the permission, and return the fields that it is on."""
    fields = list(right.fields) or _ALL
    body = {"collection": right.collection, "action": right.action, **owner}
    try:
        client.request("POST", "/permissions", body={**body, "fields": fields})
    except Forbidden:
        if fields == _ALL:
            raise
        fields = _ALL
        client.request("POST", "/permissions", body={**body, "fields": fields})
    return fields


def _narrow(client: DirectusClient, permission: dict[str, Any], right: DirectusRight) -> bool:
    """Put the fields right, and return whether Directus lets us.

    Directus 12 without a licence does not, when the right is on all fields.
    """
    path = f"/permissions/{permission['id']}"
    try:
        client.request("PATCH", path, body={"fields": list(right.fields)})
    except Forbidden:
        if permission["fields"] != _ALL:
            raise
        return False
    return True


def _user(
    client: DirectusClient, role: str, deliver: Callable[[Secret], None], new_token: bool
) -> Iterator[str]:
    users = _find(client, "/users", "id,token,status", role=role)
    token = Secret(secrets.token_urlsafe(32))
    if not users:
        body = {"first_name": "Progress", "last_name": "bridge", "status": "active", "role": role}
        client.request("POST", "/users", body={**body, "token": token.reveal()})
        deliver(token)
        yield "user “Progress bridge”: made, with a token"
        return
    user = users[0]
    if user["status"] != "active":
        client.request("PATCH", f"/users/{user['id']}", body={"status": "active"})
        yield "user “Progress bridge”: active again"
    if new_token or not user["token"]:
        client.request("PATCH", f"/users/{user['id']}", body={"token": token.reveal()})
        deliver(token)
        yield "user “Progress bridge”: a new token"
