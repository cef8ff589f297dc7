"""Rows into a Directus collection: in arrays, and the bad one alone when an array is refused.

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
from bridge.stores.directus.client import ConnectionCut, DirectusClient, DirectusRefusal, encode
from bridge.stores.directus.conflicts import NO_SUCH_PARENT, Clash, Unique, clash

MAX_ROWS: Final = 500
"""What one question asks for at most: more is no faster."""

MAX_WRITTEN: Final = 250
"""Rows in one array POST: more are no faster, and a refusal costs more."""

MAX_BYTES: Final = 900_000
"""Bytes in one body: Directus's default limit (MAX_PAYLOAD_SIZE) is 1 MB."""

K = TypeVar("K")
T = TypeVar("T")
R = TypeVar("R")
Row = dict[str, Any]
Send = Callable[[dict[K, Row]], list[Row]]


@dataclass(slots=True)
class Written(Generic[K]):
    """What became of some rows; a row in neither part met another writer's: look again.

    Attributes:
        rows: as Directus answered, for those that were written (in no order).
        keys: which were written.
        refused: which Directus refuses on their own account, and why.
        clashes: which stood alone and still were not unique or had no parent: look again, and
            when nothing is found time after time, see `Unique.refused`.
        orphaned: whether rows were held back since their parent is gone.
    """

    rows: list[Row] = field(default_factory=list)
    keys: set[K] = field(default_factory=set)
    refused: dict[K, str] = field(default_factory=dict)
    clashes: dict[K, Clash] = field(default_factory=dict)
    orphaned: bool = False

    def add(self, other: Written[K]) -> Written[K]:
        """This and the other together."""
        self.rows += other.rows
        self.keys |= other.keys
        self.refused |= other.refused
        self.clashes |= other.clashes
        self.orphaned |= other.orphaned
        return self


def chunks(
    items: Iterable[T],
    most: Callable[[], int] = lambda: MAX_ROWS,
    size: Callable[[T], int] = lambda _: 1,
) -> Iterator[list[T]]:
    """The items in lists of at most ``most`` items and 900 kB (of what ``size`` gives, bytes).

    ``most`` is asked again for each item, so it may change on the way.
    """
    chunk: list[T] = []
    total = 0
    for item in items:
        total += size(item)
        if chunk and (len(chunk) >= most() or total > MAX_BYTES):
            yield chunk
            chunk, total = [], size(item)
        chunk.append(item)
    if chunk:
        yield chunk


def spread(work: Callable[[T], R], items: Sequence[T], connections: int) -> list[R]:
    """``work`` done on each item, over several connections at once; results in order.

    The first error is raised once all that was under way is over.
    """
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(connections, len(items))) as pool:
        return list(pool.map(work, items))


class Pace:
    """How many rows a server takes in one array without keeping the others waiting.

    Starts low and doubles while answers are quick, up to `MAX_WRITTEN`; halves when they are slow.
    A loaded server would otherwise not come to the last array within the read time-out, nor would
    Directus 10, which checks the rows of an array in a time that grows with their square.
    """

    QUICK: Final = 0.5  # seconds
    SLOW: Final = 2.0
    LEAST: Final = 10

    def __init__(self) -> None:
        self._rows = 50

    def rows(self) -> int:
        """How many to send next."""
        return self._rows

    def note(self, rows: int, seconds: float) -> None:
        """An array of so many rows took so long."""
        if seconds > self.SLOW:
            self._rows = max(self.LEAST, min(self._rows, rows // 2))
        elif seconds < self.QUICK and rows >= self._rows:
            self._rows = min(MAX_WRITTEN, 2 * self._rows)


class Writer:
    """Writes rows into one collection, in arrays that halve.

    Args:
        probe: raises a `StoreError` unless the collection takes ordinary rows now; it is given
            the row that was refused alone.
        unique: what is unique in the collection.
    """

    def __init__(self, probe: Callable[[Row], None], unique: Unique) -> None:
        self._probe = probe
        self._unique = unique
        self._pace = Pace()

    def write(self, rows: Mapping[K, Row], send: Send[K], *, insist: bool = False) -> Written[K]:
        """Write the rows, one array at a time.

        Args:
            rows: by the key that tells them apart.
            send: writes them in one request, whole or not at all, and gives Directus's answer.
            insist: when an array holds a row that is not unique, or has no parent, write
                its neighbours all the same; without it the array is left for a second look.

        Raises:
            StoreUnavailable, StoreMisconfigured: some rows may be written already.
        """
        written: Written[K] = Written()
        for chunk in chunks(rows.items(), self._pace.rows, lambda item: len(encode(item[1])) + 1):
            start = monotonic()
            try:
                written.add(self._write(dict(chunk), send, insist))
            finally:
                self._pace.note(len(chunk), monotonic() - start)
        return written

    def _write(self, rows: dict[K, Row], send: Send[K], insist: bool) -> Written[K]:
        try:
            return Written(rows=send(rows), keys=set(rows))
        except ConnectionCut:
            return Written()  # it may be there by now: look again
        except DirectusRefusal as refusal:
            met = clash(refusal)
        orphaned = met is not None and met.code == NO_SUCH_PARENT
        if met and len(rows) == 1:
            if self._unique.on_key(met):  # if no row is taken, no neighbour need be tried
                self._probe(*rows.values())
            return Written(clashes=dict.fromkeys(rows, met), orphaned=orphaned)
        if met and not insist:
            return Written(orphaned=orphaned)
        if len(rows) == 1:
            return self._confirm(rows, send)
        items = iter(rows.items())
        first = self._write(dict(islice(items, len(rows) // 2)), send, insist)
        return first.add(self._write(dict(items), send, insist))

    def _confirm(self, rows: dict[K, Row], send: Send[K]) -> Written[K]:
        """A lone row was refused: make sure that it is its own fault, and not a passing one."""
        ((key, row),) = rows.items()
        self._probe(row)
        try:
            return Written(rows=send(rows), keys=set(rows))
        except ConnectionCut:
            return Written()
        except DirectusRefusal as refusal:
            if met := clash(refusal):
                return Written(clashes={key: met})
            return Written(refused={key: str(refusal)})


def post(client: DirectusClient, collection: str, fields: Sequence[str]) -> Send[Any]:
    """A `Send` that creates the rows in the collection and gives these fields of each.

    Of more rows than the server gives at once (``QUERY_LIMIT_MAX``) only the first are given.
    """
    path, params = f"/items/{collection}", {"fields": ",".join(fields)}

    def send(rows: dict[Any, Row]) -> list[Row]:
        answer = client.request("POST", path, params=params, body=list(rows.values()))
        if not isinstance(answer, list) or not answer:
            raise StoreUnavailable(f"{path}: the answer does not tell what was written")
        return answer

    return send


def attempt(
    client: DirectusClient, collection: str, key: str, rows: Sequence[Row]
) -> DirectusRefusal | None:
    """Why Directus refuses rows that it has to refuse; it writes an array whole or not at all.

    A base without any constraint takes them all the same: they are removed, and the answer is None.
    """
    body = list(rows)
    try:
        written = client.request("POST", f"/items/{collection}", params={"fields": key}, body=body)
    except DirectusRefusal as refusal:
        return refusal
    keys = [row[key] for row in written or [] if isinstance(row, dict) and key in row]
    if keys:
        client.request("DELETE", f"/items/{collection}", body=keys)
    return None
