"""Where progress lives: one protocol, and a folder for each place that can keep it.

`open_store` picks by the scheme of ``store.url``: ``https:`` or ``http:`` is Directus, ``sqlite:``
and ``postgresql:`` are SQL, ``memory:`` keeps it in this process, for tests.
"""

from __future__ import annotations

from bridge.config import Settings
from bridge.stores.base import PartlyRecorded, Store
from bridge.support.extras import needs

__all__ = ["PartlyRecorded", "Store", "open_store"]


def open_store(settings: Settings) -> Store:
    """Return the store that the configuration names. Connects to nothing yet.

    Raises:
        ConfigurationError: when the packages that this kind of store needs are not installed.
    """
    scheme = settings.store.scheme
    if scheme == "memory":
        from bridge.stores.memory import MemoryStore

        return MemoryStore(store_email=settings.store_email)
    if scheme in ("sqlite", "postgresql"):
        with needs("sql", "store.url"):
            from bridge.stores.sql import SQLStore
        return SQLStore(settings.store, store_email=settings.store_email)
    from bridge.stores.directus import DirectusStore

    return DirectusStore(settings.store, store_email=settings.store_email)
