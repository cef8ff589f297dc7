"""The store on SQLite and PostgreSQL."""

from bridge.stores.sql.store import SQLStore

__all__ = ["SQLStore"]
