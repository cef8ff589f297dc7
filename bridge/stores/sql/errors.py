"""What a database's error means: try later, mend something, or this one completion is bad."""

from __future__ import annotations

import sqlite3

from sqlalchemy import exc

from bridge.errors import StoreError, StoreUnavailable
from bridge.stores.sql.connecting import connection_failure
from bridge.stores.sql.failures import Refused
from bridge.stores.sql.postgresql_errors import postgresql_failure
from bridge.stores.sql.sqlite_errors import sqlite_failure
from bridge.stores.sql.tables import Tables


def meaning(error: exc.SQLAlchemyError, shown_url: str, tables: Tables) -> StoreError:
    """Translate the database's error into the bridge's.

    It holds no value of a row and no password.

    Args:
        error: as SQLAlchemy raises it.
        shown_url: the store, as a message may show it.
        tables: those that the error may name.
    """
    if isinstance(error, exc.TimeoutError):
        return StoreUnavailable(f"{shown_url}: every connection is in use (store.connections)")
    if not isinstance(error, exc.DBAPIError) or error.orig is None:
        return StoreUnavailable(f"{shown_url}: {type(error).__name__}")
    if isinstance(error.orig, sqlite3.Error):
        return sqlite_failure(error.orig, shown_url, tables)
    if getattr(error.orig, "sqlstate", None):
        return postgresql_failure(error.orig, shown_url, tables)
    if isinstance(error, exc.IntegrityError | exc.DataError):
        return Refused(type(error.orig).__name__)
    return connection_failure(error.orig, shown_url)
