"""The store on Directus: all that knows Directus is in this folder."""

from bridge.stores.directus.store import DirectusStore

__all__ = ["DirectusStore"]
