"""Reading from Directus by ``SEARCH``. The question goes in the body, so it may be long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from bridge.errors import StoreMisconfigured
from bridge.stores.directus.client import DirectusClient
from bridge.stores.directus.writing import Row

NO_LIMIT: Final = -1

_SMALLEST_LIMIT: Final = 10
"""Nobody limits Directus to fewer rows than this: a shorter answer is taken to be whole."""

_LIMIT_HOLDS_FOR: Final = 1.0
"""Seconds within which no Directus is started anew: a limit asked since then still holds."""

_NOT_READ_AS_TEXT: Final = frozenset({"null", "NULL", "true", "false"})


def search(
    client: DirectusClient, collection: str, filter_: dict[str, Any], fields: Sequence[str]
) -> list[Row]:
    """Read every row that the filter lets through, in no order.

    A server that caps how many rows one question may give (``QUERY_LIMIT_MAX``) is asked page
    after page, by primary key.

    Args:
        client: the server.
        collection: its name.
        filter_: in Directus's form.
        fields: which to read, the primary key first.
    """
    limit = client.query_limit()
    rows = _pages(client, collection, filter_, fields, limit)
    if len(rows) < _SMALLEST_LIMIT:
        return rows
    limit_now = client.query_limit(_LIMIT_HOLDS_FOR)
    return rows if limit_now == limit else _pages(client, collection, filter_, fields, limit_now)


def _pages(
    client: DirectusClient,
    collection: str,
    filter_: dict[str, Any],
    fields: Sequence[str],
    limit: int,
) -> list[Row]:
    primary_key = fields[0]
    query = {"fields": list(fields), "filter": filter_, "limit": limit}
    if limit == NO_LIMIT:
        return _ask(client, collection, query)
    rows: list[Row] = []
    page = _ask(client, collection, query | {"sort": [primary_key]})
    while page:
        rows += page
        if len(page) < limit:
            break
        rest = {"_and": [filter_, {primary_key: {"_gt": page[-1][primary_key]}}]}
        page = _ask(client, collection, query | {"sort": [primary_key], "filter": rest})
    return rows


def among(field: str, values: Iterable[str]) -> dict[str, Any]:
    """Return a filter for rows whose field is one of these texts.

    It may let a few other rows through.

    Directus reads some texts in a filter as something else: ``null``, ``true``, ``$NOW``,
    ``$CURRENT_USER``… (``parseFilter`` in @directus/utils). They are asked for by how they begin.
    """
    wanted = set(values)
    special = {value for value in wanted if value in _NOT_READ_AS_TEXT or value.startswith("$")}
    beginnings = sorted({"$" if value[0] == "$" else value[:-1] for value in special})
    asked: list[dict[str, Any]] = [{field: {"_starts_with": beginning}} for beginning in beginnings]
    if wanted - special or not special:
        asked.append({field: {"_in": sorted(wanted - special)}})
    return {"_or": asked}


def _ask(client: DirectusClient, collection: str, query: dict[str, Any]) -> list[Row]:
    rows = client.ask("SEARCH", f"/items/{collection}", body={"query": query})
    if not isinstance(rows, list):
        raise StoreMisconfigured(f"/items/{collection}: the answer is not a list of rows")
    return rows
