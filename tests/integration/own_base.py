"""A base of a test's own in a shared Directus, to be changed behind everybody's back."""

from __future__ import annotations

from typing import Any

from bridge.stores.directus import DirectusStore
from bridge.stores.directus.setup.register import clear_cache, register
from tests.integration.own_tables import admin_client, admin_settings, make_tables, run_sql
from tests.servers.directus import Directus


class OwnBase:
    """Two tables of a test's own, registered, and stores that write into them.

    Args:
        directus: where.
        without: what to leave out, as in `make_tables`.
    """

    def __init__(self, directus: Directus, *without: str) -> None:
        self.directus = directus
        self.names = make_tables(directus, *without)
        self._client = admin_client(directus)
        self._opened: list[DirectusStore] = []
        list(register(self._client, self.names, keep_activity=False))

    def writer(self) -> DirectusStore:
        """Return a store that remembers nothing yet."""
        store = DirectusStore(admin_settings(self.directus, self.names))
        self._opened.append(store)
        return store

    def close(self) -> None:
        """Close the stores and remove the tables: Directus 12 without a licence limits them."""
        self._client.close()
        for store in self._opened:
            store.close()
        for collection in (self.names.progress, self.names.learners):
            answer = self.directus.request("DELETE", f"/collections/{collection}")
            assert answer.ok, answer.text

    def run(self, script: str) -> None:
        """Run SQL with ``{learners}`` and ``{progress}`` filled in."""
        names = {"learners": self.names.learners, "progress": self.names.progress}
        run_sql(self.directus, script.format(**names))

    def alter(self, script: str) -> None:
        """Run SQL that changes the tables, and let Directus see it."""
        self.run(script)
        clear_cache(self._client)

    def empty(self) -> None:
        """Remove every row, and begin to number them anew."""
        if self.directus.database_url:
            self.run("TRUNCATE {learners} RESTART IDENTITY CASCADE")
        else:
            self.run(
                "DELETE FROM {progress}; DELETE FROM {learners};"
                "DELETE FROM sqlite_sequence WHERE name IN ('{learners}', '{progress}')"
            )

    def rows(self) -> set[tuple[str, str]]:
        """Return external id and grain of every row of progress."""
        of = {str(row["id"]): row["external_user_id"] for row in self.read(self.names.learners)}
        progress = self.read(self.names.progress)
        return {(of[str(row["apprenant_id"])], row["grain_id"]) for row in progress}

    def read(self, collection: str) -> list[dict[str, Any]]:
        """Return all rows of a collection, up to 100."""
        answer = self.directus.request("SEARCH", f"/items/{collection}", {"query": {"limit": 100}})
        rows: list[dict[str, Any]] = answer.json()["data"]
        return rows
