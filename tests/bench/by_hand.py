"""What one would write for Directus without the bridge: the other sides of its benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import directus_sdk_py
import requests
from requests.adapters import HTTPAdapter

from bridge.config import StoreSettings
from bridge.model import Completion, Identity
from tests.bench.measure import chunks

TIMEOUT = 60.0
"""Seconds."""


def row(learner: int, completion: Completion) -> dict[str, Any]:
    """Return the completion as Directus takes it."""
    return {
        "apprenant_id": learner,
        "grain_id": completion.grain_id,
        "module_id": completion.module_id,
        "sequence_id": completion.sequence_id,
        "completed_at": completion.completed_at.isoformat(),
    }


class OneByOne:
    """A completion at a time with directus-sdk-py: get, create, get, create."""

    def __init__(self, settings: StoreSettings) -> None:
        token = settings.token.reveal() if settings.token else None
        self._client = directus_sdk_py.DirectusClient(settings.url, token=token, verify=True)

    def record(self, completions: Sequence[Completion]) -> None:
        for completion in completions:
            learner = self._learner(completion.identity)
            what = {"apprenant_id": learner, "grain_id": completion.grain_id}
            if self._find("progress", what) is None:
                self._client.create_item("progress", row(learner, completion))

    def _learner(self, identity: Identity) -> int:
        who = {
            "origin": str(identity.origin),
            "external_user_id": identity.external_user_id,
        }
        found = self._find("apprenants", who)
        if found is None:
            found = self._client.create_item("apprenants", who)["data"]["id"]
        return found

    def _find(self, collection: str, wanted: Mapping[str, object]) -> int | None:
        """Find the key of the row with these values."""
        query = {
            "filter": {name: {"_eq": value} for name, value in wanted.items()},
            "fields": ["id"],
            "limit": 1,
        }
        rows = self._client.get_items(collection, query={"query": query})
        return rows[0]["id"] if rows else None


class BareLoop:
    """Rows in arrays of 500 over as many connections as the bridge has: all that HTTP gives."""

    def __init__(self, settings: StoreSettings) -> None:
        self._url = f"{settings.url}/items/progress"
        self._connections = settings.connections
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(pool_maxsize=settings.connections))
        if settings.token:
            self._session.headers["Authorization"] = f"Bearer {settings.token.reveal()}"

    def post(self, rows: Sequence[Mapping[str, Any]]) -> None:
        with ThreadPoolExecutor(self._connections) as pool:
            list(pool.map(self._post, chunks(rows, 500)))

    def _post(self, rows: Sequence[Mapping[str, Any]]) -> None:
        # Answered with the keys alone: a whole row each would cost the loop some of its speed.
        answer = self._session.post(
            self._url, params={"fields": "id"}, json=rows, timeout=TIMEOUT, allow_redirects=False
        )
        answer.raise_for_status()
