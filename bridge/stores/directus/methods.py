"""Every method that recording, replacing and erasing use, tried where nothing can come of it.

A proxy or a firewall may let some methods through and answer others itself, as
``if ($request_method = PATCH) { return 403; }`` does in nginx. So each is tried on the very path
that it is used on, with no row, or with rows that have no key (of whatever type keys are).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bridge.checks import Finding
from bridge.config import Names
from bridge.stores.directus.answers import TOO_LARGE, DirectusRefusal, Forbidden, NotDirectus
from bridge.stores.directus.client import DirectusClient

_LARGEST_ROW: Final = 4_000  # bytes: four texts of 255 characters
_LARGEST_QUESTION: Final = 130_000  # bytes: 500 texts of 255 characters


def delete_nothing(client: DirectusClient, collection: str, key: str) -> None:
    """Ask to remove the rows without a primary key, of which there are none.

    Args:
        client: the server.
        collection: its name.
        key: the primary key's name.

    Raises:
        StoreError: a request to remove rows would be refused, too.
    """
    client.request("DELETE", f"/items/{collection}", body=_nobody(key))


def passes(client: DirectusClient, names: Names, method: str) -> bool:
    """Return whether Directus is seen to answer this method, when nothing is to be done."""
    return not any(
        _stopped(client, tried, collection, body)
        for tried, collection, body in _harmless(names)
        if tried == method
    )


def methods(client: DirectusClient, names: Names) -> list[Finding]:
    """Tell which methods do not reach Directus, and whether bodies as large as ours do."""
    errors = [
        error
        for method, collection, body in _harmless(names)
        if (error := _stopped(client, method, collection, body))
    ]
    if not errors:
        return [
            Finding(ok=True, message="SEARCH, POST, PATCH and DELETE reach Directus"),
            *_sizes(client, names),
        ]
    parts = (str(error).partition("; ") for error in errors)
    return [Finding(ok=False, message=message, remedy=remedy) for message, _, remedy in parts]


def _harmless(names: Names) -> Iterator[tuple[str, str, Any]]:
    """Give method, collection and body of requests that change nothing."""
    for collection, key in (
        (names.learners, names.learner_fields.id),
        (names.progress, names.progress_fields.id),
    ):
        yield "SEARCH", collection, _nobody(key)
        yield "POST", collection, []
        yield "DELETE", collection, _nobody(key)
    yield "PATCH", names.learners, []


def _nobody(key: str) -> dict[str, Any]:
    return {"query": {"filter": {key: {"_null": True}}, "fields": [key], "limit": 1}}


def _stopped(client: DirectusClient, method: str, collection: str, body: Any) -> NotDirectus | None:
    """Return the error when the request does not reach Directus.

    What Directus itself says, such as that a right is missing, is not asked for here.
    """
    try:
        client.request(method, f"/items/{collection}", body=body)
    except NotDirectus as error:
        return error
    except (Forbidden, DirectusRefusal):
        pass
    return None


def _sizes(client: DirectusClient, names: Names) -> Iterator[Finding]:
    """Tell whether requests as large as ours may be are taken. Smaller ones are known to be."""
    for size, fatal in ((_LARGEST_ROW, True), (_LARGEST_QUESTION, False)):
        if not _takes(client, names, size):
            yield Finding(
                ok=False,
                message=f"a request of {size // 1000} kB is too large for Directus or for a proxy "
                "in front of it",
                remedy="let them take 1 MB (Directus: MAX_PAYLOAD_SIZE; nginx: "
                "client_max_body_size)",
                fatal=fatal,
            )
            return


def _takes(client: DirectusClient, names: Names, size: int) -> bool:
    """Ask a question of about so many bytes, which finds no row."""
    columns = names.learner_fields
    made_up = [f"{number:0250d}" for number in range(size // 253)]
    nowhere = {
        "_and": [{columns.id: {"_null": True}}, {columns.external_user_id: {"_in": made_up}}]
    }
    query = {"query": {"filter": nowhere, "fields": [columns.id], "limit": 1}}
    try:
        client.request("SEARCH", f"/items/{names.learners}", body=query)
    except DirectusRefusal as refusal:
        return refusal.code != TOO_LARGE
    except Forbidden:
        pass
    return True
