"""No answer is cut without notice: the server's limit is asked again, as it may be started anew."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.config import StoreSettings
from bridge.stores.directus import client as directus_client
from bridge.stores.directus.client import DirectusClient
from bridge.stores.directus.reading import search


class Capped(DirectusClient):
    """Answers as a Directus with 250 rows and a ``QUERY_LIMIT_MAX``, at a time of its own."""

    def __init__(self, limit: int) -> None:
        super().__init__(StoreSettings(url="http://127.0.0.1:9"))
        self.limit = limit
        self.now = 0.0
        self.asked = 0

    def ask(self, method: str, path: str, *, body: Any = None) -> Any:
        if path == "/server/info":
            self.asked += 1
            return {"queryLimit": {"default": 100, "max": self.limit}}
        query = body["query"]
        most = min(n for n in (query["limit"], self.limit, 250) if n >= 0)
        after = query["filter"]["_and"][1]["id"]["_gt"] if "_and" in query["filter"] else 0
        return [{"id": n} for n in range(after + 1, 251)][:most]


def capped(limit: int, monkeypatch: pytest.MonkeyPatch) -> Capped:
    client = Capped(limit)
    monkeypatch.setattr(directus_client, "monotonic", lambda: client.now)
    return client


@pytest.mark.parametrize(("before", "after"), [(-1, 100), (100, 50), (-1, 10), (50, -1)])
def test_every_row_comes_though_the_limit_changes(
    monkeypatch: pytest.MonkeyPatch, before: int, after: int
) -> None:
    client = capped(before, monkeypatch)
    assert len(search(client, "progress", {}, ["id"])) == 250
    client.limit = after
    client.now += 2
    assert len(search(client, "progress", {}, ["id"])) == 250


def test_the_limit_is_asked_again_every_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = capped(-1, monkeypatch)
    assert [client.query_limit() for _ in range(3)] == [-1] * 3
    client.now, client.limit = 59, 100
    assert (client.query_limit(), client.asked) == (-1, 1)
    client.now = 61
    assert (client.query_limit(), client.asked) == (100, 2)
