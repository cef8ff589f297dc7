"""Reading from Directus by ``SEARCH``: the question goes in the body, so it may be long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bridge.errors import StoreMisconfigured
from bridge.stores.directus_http import DirectusClient
from bridge.stores.directus_rows import Row

NO_LIMIT: Final = -1


def search(
    client: DirectusClient, collection: str, filter_: dict[str, Any], fields: Sequence[str]
) -> list[Row]:
    """Every row that the filter lets through, in no order.

    The first of ``fields`` must be the primary key: a server that caps how many rows one question
    may give (``QUERY_LIMIT_MAX``) is asked page after page, by key.
    """
    key, limit = fields[0], client.query_limit()
    query = {"fields": list(fields), "filter": filter_, "limit": limit}
    if limit == NO_LIMIT:
        return _ask(client, collection, query)
    rows: list[Row] = []
    page = _ask(client, collection, query | {"sort": [key]})
    while page:
        rows += page
        if len(page) < limit:
            break
        rest = {"_and": [filter_, {key: {"_gt": page[-1][key]}}]}
        page = _ask(client, collection, query | {"sort": [key], "filter": rest})
    return rows


def instant(value: str | None) -> datetime | None:
    """An instant as Directus writes it; one without a zone (a ``dateTime`` field) is UTC."""
    if value is None:
        return None
    parsed = datetime.fromisoformat(value)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _ask(client: DirectusClient, collection: str, query: dict[str, Any]) -> list[Row]:
    rows = client.ask("SEARCH", f"/items/{collection}", body={"query": query})
    if not isinstance(rows, list):
        raise StoreMisconfigured(f"/items/{collection}: the answer is not a list of rows")
    return rows
