"""The outbox in an SQLite file, shared by the processes of one machine."""

from bridge.outbox.sqlite.outbox import SQLiteOutbox

__all__ = ["SQLiteOutbox"]
