"""Writing rows into a Directus collection: in arrays, and one by one when an array is refused.

Directus writes an array POST whole or not at all, so a refused array is halved until the row that
it is about stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import Any, Final, Generic, TypeVar

from bridge.errors import StoreUnavailable
from bridge.stores.directus.answers import TOO_LARGE, DirectusRefusal
from bridge.stores.directus.client import DirectusClient, encode
from bridge.stores.directus.conflicts import (
    NO_SUCH_PARENT,
    RowConflict,
    UniqueColumns,
    as_conflict,
)
from bridge.stores.directus.failures import ConnectionCut

MAX_ROWS_ASKED: Final = 500
"""What one question asks for at most: more is no faster."""

MAX_ROWS_WRITTEN: Final = 250
"""Rows in one array POST: more are no faster, and a refusal costs more."""

MAX_ROWS_DELETED: Final = 100
"""Rows removed by one request: few of those who limit Directus allow it less."""

MAX_BYTES: Final = 900_000
"""Bytes in one body: Directus's default limit (MAX_PAYLOAD_SIZE) is 1 MB."""

K = TypeVar("K")
T = TypeVar("T")
R = TypeVar("R")
Row = dict[str, Any]
Key = int | str
"""A primary key as Directus gives it: text for a BIGINT, a number for an INTEGER."""


@dataclass(slots=True)
class WriteResult(Generic[K]):
    """What became of some rows.

    A row that is neither written nor refused met another writer's, and is to be looked at again.

    Attributes:
        rows: as Directus answered, for those that were written (in no order).
        written: which were written.
        refused: which Directus refuses on their own account, and why.
        conflicts: which stood alone and still were not unique or had no parent. They are to be
            looked at again. When nothing is found time after time, see `UniqueColumns.refused`.
        orphaned: whether rows were held back since their parent is gone.
    """

    rows: list[Row] = field(default_factory=list)
    written: set[K] = field(default_factory=set)
    refused: dict[K, str] = field(default_factory=dict)
    conflicts: dict[K, RowConflict] = field(default_factory=dict)
    orphaned: bool = False

    def add(self, other: WriteResult[K]) -> WriteResult[K]:
        """Add what became of other rows to this, and return this."""
        self.rows += other.rows
        self.written |= other.written
        self.refused |= other.refused
        self.conflicts |= other.conflicts
        self.orphaned |= other.orphaned
        return self


SendRows = Callable[[dict[K, Row]], WriteResult[K]]
"""Writes rows in one request, whole or not at all, and tells what became of them."""


def chunks(
    items: Iterable[T],
    max_items: Callable[[], int] = lambda: MAX_ROWS_ASKED,
    size_of: Callable[[T], int] = lambda _: 1,
) -> Iterator[list[T]]:
    """Divide the items into lists of at most ``max_items`` items and 900 kB.

    Args:
        items: what to divide.
        max_items: asked again for each item, so it may change on the way.
        size_of: how many bytes an item has. One that has more than 900 kB goes alone.
    """
    chunk: list[T] = []
    total = 0
    for item in items:
        total += size_of(item)
        if chunk and (len(chunk) >= max_items() or total > MAX_BYTES):
            yield chunk
            chunk, total = [], size_of(item)
        chunk.append(item)
    if chunk:
        yield chunk


def map_concurrently(work: Callable[[T], R], items: Sequence[T], connections: int) -> list[R]:
    """Do ``work`` on each item, over several connections at once.

    Returns:
        The results, in the order of the items.

    Raises:
        Exception: the first that ``work`` raised, once all that was under way is over.
    """
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(connections, len(items))) as pool:
        return list(pool.map(work, items))


class ChunkSize:
    """How many rows a server takes in one array without keeping the others waiting.

    Starts low and doubles while answers are quick, up to `MAX_ROWS_WRITTEN`. Halves when they are
    slow. A loaded server would otherwise not come to the last array within the read time-out, nor
    would Directus 10, which checks the rows of an array in a time that grows with their square.
    """

    QUICK: Final = 0.5  # seconds
    SLOW: Final = 2.0  # seconds
    MIN_ROWS: Final = 10

    def __init__(self) -> None:
        self._rows = 50
        self._max_rows = MAX_ROWS_WRITTEN

    def rows(self) -> int:
        """Return how many rows to send next."""
        return self._rows

    def adapt(self, rows: int, seconds: float) -> None:
        """Take into account that an array of so many rows took so long."""
        if seconds > self.SLOW:
            self._rows = max(self.MIN_ROWS, min(self._rows, rows // 2))
        elif seconds < self.QUICK and rows >= self._rows:
            self._rows = min(self._max_rows, 2 * self._rows)

    def limit(self, max_rows: int) -> None:
        """Send no more rows than this from now on: the server refuses more."""
        self._max_rows = max(1, min(self._max_rows, max_rows))
        self._rows = min(self._rows, self._max_rows)


class Writer:
    """Writes rows into one collection, in arrays that are halved when they are refused.

    Args:
        probe: raises a `StoreError` unless the collection takes ordinary rows now. It is given
            the row that was refused alone.
        unique: what is unique in the collection.
    """

    def __init__(self, probe: Callable[[Row], None], unique: UniqueColumns) -> None:
        self._probe = probe
        self._unique = unique
        self._chunk_size = ChunkSize()

    def write(
        self, rows: Mapping[K, Row], send: SendRows[K], *, isolate_conflicts: bool = False
    ) -> WriteResult[K]:
        """Write the rows, one array at a time.

        Args:
            rows: by the key that tells them apart.
            send: writes them in one request, whole or not at all.
            isolate_conflicts: when an array holds a row that is not unique, or has no parent,
                halve it until that row stands alone, and write its neighbours. Without it the
                array is left for another attempt.

        Raises:
            StoreUnavailable, StoreMisconfigured: some rows may be written already.
        """
        result: WriteResult[K] = WriteResult()
        for chunk in chunks(rows.items(), self._chunk_size.rows, _bytes_in_array):
            start = monotonic()
            try:
                result.add(self._write(dict(chunk), send, isolate_conflicts))
            finally:
                self._chunk_size.adapt(len(chunk), monotonic() - start)
        return result

    def _write(
        self, rows: dict[K, Row], send: SendRows[K], isolate_conflicts: bool
    ) -> WriteResult[K]:
        try:
            return send(rows)
        except ConnectionCut:
            return WriteResult()  # it may be there by now: look again
        except DirectusRefusal as refusal:
            if len(rows) == 1 and refusal.code == TOO_LARGE:  # no row of ours is: mend the limit
                raise refusal.as_store_error(f"/items/{self._unique.collection}", "") from None
            conflict = as_conflict(refusal)
            if refusal.max_rows is not None:
                self._chunk_size.limit(min(refusal.max_rows, len(rows) // 2))
        orphaned = conflict is not None and conflict.code == NO_SUCH_PARENT
        if conflict and len(rows) == 1:
            if self._unique.is_primary_key(conflict):
                self._probe(*rows.values())  # if no row is taken, no neighbour need be tried
            return WriteResult(conflicts=dict.fromkeys(rows, conflict), orphaned=orphaned)
        if conflict and not isolate_conflicts:
            return WriteResult(orphaned=orphaned)
        if len(rows) == 1:
            return self._confirm_refusal(rows, send)
        items = iter(rows.items())
        first = self._write(dict(islice(items, len(rows) // 2)), send, isolate_conflicts)
        return first.add(self._write(dict(items), send, isolate_conflicts))

    def _confirm_refusal(self, rows: dict[K, Row], send: SendRows[K]) -> WriteResult[K]:
        """Make sure that a refused lone row is at fault, and that the refusal does not pass."""
        ((key, row),) = rows.items()
        self._probe(row)
        try:
            return send(rows)
        except ConnectionCut:
            return WriteResult()
        except DirectusRefusal as refusal:
            if conflict := as_conflict(refusal):
                return WriteResult(conflicts={key: conflict})
            return WriteResult(refused={key: str(refusal)})


def _bytes_in_array(item: tuple[Any, Row]) -> int:
    return len(encode(item[1])) + 1  # the comma


def row_sender(client: DirectusClient, collection: str, fields: Sequence[str]) -> SendRows[Any]:
    """Return a function that creates rows in the collection, in one request.

    It gives these fields of each row that was created. Of more rows than the server gives at once
    (``QUERY_LIMIT_MAX``) only the first are given.
    """
    path, params = f"/items/{collection}", {"fields": ",".join(fields)}

    def send(rows: dict[Any, Row]) -> WriteResult[Any]:
        answer = client.request("POST", path, params=params, body=list(rows.values()))
        if not isinstance(answer, list) or not answer:
            raise StoreUnavailable(f"{path}: the answer does not tell what was written")
        return WriteResult(rows=answer, written=set(rows))

    return send


def delete(
    client: DirectusClient, collection: str, key: str, keys: Sequence[Key], also: Row | None = None
) -> None:
    """Remove rows by their primary keys, as many at a time as the server takes.

    Args:
        client: the server.
        collection: its name.
        key: the primary key's name.
        keys: which rows.
        also: a filter that they have to pass as well, when they are removed.

    Raises:
        DirectusRefusal: a single row cannot be removed.
    """
    left, most = list(keys), MAX_ROWS_DELETED
    while left:
        some = left[:most]
        wanted = [{key: {"_in": some}}, *([also] if also else [])]
        query = {"filter": {"_and": wanted}, "limit": len(some)}
        try:
            client.request("DELETE", f"/items/{collection}", body={"query": query})
        except DirectusRefusal as refusal:
            if len(some) == 1:
                raise
            most = min(refusal.max_rows or most, len(some) // 2)
        else:
            left = left[most:]
