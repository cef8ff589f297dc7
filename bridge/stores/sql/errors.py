"""What a database's error means for the completions: try later, mend something, or this one is bad.

PostgreSQL's classes are those of its manual's appendix A ("Error Codes"). SQLite has only words.
"""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy import exc

from bridge.errors import StoreError, StoreMisconfigured, StoreUnavailable
from bridge.support.file_access import why_not_sqlite


class Conflict(StoreError):
    """Another writer came first. The same batch will do better when it is tried again."""


class Refused(StoreError):
    """The database refuses a row of the batch."""


_CONFLICT: Final = ("40001", "40P01", "23505", "23503")
_UNAVAILABLE: Final = ("08", "25006", "53", "55P03", "57", "58")
_MISCONFIGURED: Final = ("0A", "28", "3D", "3F", "42")
_WORDS_MISCONFIGURED: Final = re.compile(
    r"no such (table|column)|no column named|unable to open|readonly|not a database|malformed"
    r"|authentication failed|no password supplied|pg_hba|(database|role) \".*\" does not exist"
    # A server that speaks French: before a session begins there is no code, only words.
    r"|authentification|(base de données|rôle) « .* » n'existe pas"
)
_WORDS_CONFLICT: Final = re.compile(r"(UNIQUE|FOREIGN KEY) constraint failed")


def meaning(error: exc.SQLAlchemyError, shown_url: str) -> StoreError:
    """Translate the database's error into the bridge's.

    It holds no value of a row and no password.
    """
    if not isinstance(error, exc.DBAPIError):
        return StoreUnavailable(f"{shown_url}: {type(error).__name__}")
    state = getattr(error.orig, "sqlstate", None) or ""
    words = str(error.orig)
    name = f"{type(error.orig).__name__}{f' {state}' if state else ''}"
    if state.startswith(_CONFLICT) or _WORDS_CONFLICT.search(words):
        return Conflict(f"{shown_url}: another writer came first ({name})")
    if state.startswith(_MISCONFIGURED) or (not state and _WORDS_MISCONFIGURED.search(words)):
        why = _whose_file(shown_url, words) or _hint(state, words)
        return StoreMisconfigured(f"{shown_url}: {why} ({name})")
    if state.startswith(_UNAVAILABLE) or error.connection_invalidated:
        return StoreUnavailable(f"{shown_url}: cannot serve now ({name})")
    if isinstance(error, exc.IntegrityError | exc.DataError) or state.startswith(
        ("22", "23", "P0")
    ):
        return Refused(name)
    if isinstance(error, exc.OperationalError | exc.InterfaceError | exc.InternalError):
        return StoreUnavailable(f"{shown_url}: cannot serve now ({name})")
    return StoreMisconfigured(f"{shown_url}: {name}")


def _whose_file(shown_url: str, words: str) -> str | None:
    """Return why an SQLite file cannot be opened or written, where its owner or folder tells."""
    if not re.search("unable to open|readonly", words):
        return None
    return why_not_sqlite(shown_url.partition(":///")[2])


def _hint(state: str, words: str) -> str:
    if state.startswith("42501") or "readonly" in words:
        return "no right to do this"
    if state.startswith("42") or words.startswith(("no such", "table")):
        return "a table or column is missing; `progress-bridge check` tells which"
    if "unable to open" in words or "not a database" in words or "malformed" in words:
        return "not a database that can be opened"
    return "the server refuses the user, the password or the database's name"
