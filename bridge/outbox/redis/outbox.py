"""The outbox in Redis Streams: for several machines, on a Redis they all reach.

It keeps its promise (what was put survives any crash) only on a Redis that answers when a write is
on disk and throws nothing away: ``appendonly yes``, ``appendfsync always``, and a
``maxmemory-policy`` of ``noeviction`` (or one of the ``volatile-`` kind: our keys never expire).
With ``appendfsync everysec``, Redis's default, a crash of its machine loses up to two seconds of
completions, and so can a failover to a replica. `RedisOutbox.check` says which it is.

Items are entries of a stream, read by one consumer group. What is held back is pending in the
group, for one of two consumers: ``workers`` (leased) or ``waiters`` (given back with a delay).
The server's clock decides. Each step is one script, so a crash leaves no half of it. Redis 6.2 or
newer, or Valkey.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from bridge.checks import Finding
from bridge.config import OutboxSettings
from bridge.errors import BridgeClosed, ConfigurationError, OutboxUnavailable
from bridge.model import Completion, Identity
from bridge.outbox import codec, ownership
from bridge.outbox.base import (
    MAX_HOLD_SECONDS,
    MAX_NOTE_AGE_SECONDS,
    Counts,
    DeadLetter,
    Erased,
    ErasureRequest,
    Leased,
    Note,
)
from bridge.outbox.ownership import check_owner
from bridge.support.extras import needs

with needs("redis", "outbox.url"):
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

from bridge.outbox.redis.check import findings, refused_for_the_id
from bridge.outbox.redis.errors import is_replica, meaning

GROUP: Final = "delivery"
WORKERS: Final = "workers"
WAITERS: Final = "waiters"
"""The group's two consumers, as ``lua/common.lua`` names them: of leased items, and of delayed."""

_LUA: Final = Path(__file__).parent / "lua"
_MAX_HOLD_MS: Final = round(MAX_HOLD_SECONDS * 1000)
_MAX_NOTE_AGE_MS: Final = round(MAX_NOTE_AGE_SECONDS * 1000)
_PAGE: Final = 1000
_SCRIPTS: Final = (
    *("lease", "hold_back", "done", "bury", "replay", "counts", "take"),
    *("note", "notes", "claim", "rehearse", "request_erasure", "lease_erasures", "settle_erasure"),
)
_ID: Final = re.compile(r"[0-9]{1,20}-[0-9]{1,20}")


class RedisOutbox:
    """An outbox under one prefix of a Redis's keys.

    Args:
        settings: ``url`` as redis-py reads it (``rediss:`` for TLS, whose certificates are
            verified; ``?ssl_ca_certs=`` names another CA file), ``timeout`` of each request, and
            ``prefix``. The prefix is a hash tag: all keys are in one slot of a cluster. But
            a node's MOVED is not followed: ``url`` has to name the one that has this slot.
        store_email: keep e-mail addresses (personal data) until delivery.
        store: the mark of the store that is delivered to, or None when it is not known.

    Raises:
        ConfigurationError: the URL cannot be read.
    """

    def __init__(
        self, settings: OutboxSettings, *, store_email: bool = False, store: str | None = None
    ) -> None:
        self._shown = settings.shown_url
        self._named = f"{self._shown} (prefix {settings.prefix})"
        self._store = store
        self._store_email = store_email
        tag = f"{{{settings.prefix}}}"
        self._queue, self._dead, self._clock = f"{tag}queue", f"{tag}dead", f"{tag}clock"
        self._notes, self._owner = f"{tag}notes", f"{tag}store"
        self._rehearsal = f"{tag}rehearsal"
        self._erasures, self._erasing = f"{tag}erasures", f"{tag}erasing"
        self._redis = _client(settings)
        self._grouped = False
        self._closed = False
        self._scripts = {name: self._redis.register_script(_script(name)) for name in _SCRIPTS}

    def put(self, completions: Sequence[Completion]) -> None:
        texts = [codec.encode(c, store_email=self._store_email) for c in completions]
        if texts:
            self._ask(partial(self._add, texts))

    def lease(self, most: int, seconds: float) -> list[Leased]:
        if most < 1:
            return []
        words = (GROUP, most, _milliseconds(seconds), _MAX_HOLD_MS)
        rows = self._run("lease", [self._queue, self._clock, self._erasures], words)
        return codec.leased_items(
            ((key, n, codec.decode(text)) for key, n, text in rows), self._bury
        )

    def renew(self, items: Sequence[Leased], seconds: float) -> int:
        return self._hold_back(WORKERS, items, seconds)

    def done(self, items: Sequence[Leased]) -> int:
        return (
            int(self._run("done", [self._queue], [GROUP, *_ids_and_tokens(items)])) if items else 0
        )

    def give_back(self, items: Sequence[Leased], delay: float = 0.0) -> int:
        return self._hold_back(WAITERS, items, delay)

    def bury(self, item: Leased, reason: str) -> bool:
        return self._bury(item.id, item.token, reason)

    def _bury(self, key: str, token: str, reason: str) -> bool:
        return bool(self._run("bury", [self._queue, self._dead], [GROUP, key, token, reason]))

    def dead(self, most: int = 100, after: str | None = None) -> list[DeadLetter]:
        if after is not None and not _ID.fullmatch(after):
            return []
        least = "-" if after is None else f"({after}"
        rows = self._ask(partial(self._redis.xrange, self._dead, least, count=most))
        return [_dead_letter(key, fields) for key, fields in rows]

    def replay(self, ids: Sequence[str]) -> int:
        keys = _possible_ids(ids)
        return int(self._run("replay", [self._queue, self._dead], keys)) if keys else 0

    def drop(self, ids: Sequence[str]) -> int:
        keys = _possible_ids(ids)
        return int(self._ask(partial(self._redis.xdel, self._dead, *keys))) if keys else 0

    def erase(self, identity: Identity) -> Erased:
        # The dead twice: an item may be replayed before the queue is read, or buried after.
        streams = (self._dead, self._queue, self._dead)
        gone, leased = zip(*(self._take(stream, identity) for stream in streams), strict=True)
        return Erased(sum(gone), sum(leased))

    def request_erasure(self, identity: Identity) -> None:
        self._ask(self._prepare)
        words = [codec.learner_key(identity), secrets.token_hex(8)]
        self._run("request_erasure", [self._erasures, self._erasing], words)

    def lease_erasures(self, most: int, seconds: float) -> list[ErasureRequest]:
        words = (most, _milliseconds(seconds), secrets.token_hex(8))
        rows = self._run("lease_erasures", [self._erasures, self._erasing], words)
        return codec.erasure_requests(
            (*who.partition(":")[::2], token, int(asked) / 1000, attempts, int(erased))
            for who, asked, attempts, erased, token in rows
        )

    def erasure_done(self, request: ErasureRequest) -> bool:
        return self._settle_erasure(request, "")

    def put_off_erasure(
        self, request: ErasureRequest, delay: float, *, erased: bool = False
    ) -> bool:
        return self._settle_erasure(request, _milliseconds(delay), int(erased or request.erased))

    def _settle_erasure(self, request: ErasureRequest, *how: int | str) -> bool:
        words = (codec.learner_key(request.identity), request.token, *how)
        return bool(self._run("settle_erasure", [self._erasures, self._erasing], words))

    def move(self, old: Identity, new: Identity) -> int:
        if old == new:
            return 0
        # The dead last: an item may be buried after the queue was read.
        return sum(self._take(stream, old, new).leased for stream in (self._queue, self._dead))

    def counts(self) -> Counts:
        keys = (self._queue, self._dead, self._erasures)
        numbers = self._run("counts", keys, (GROUP, _MAX_HOLD_MS))
        both, leased, dead, age, erasures, asked = numbers
        return Counts(both - leased, leased, dead, _seconds(age), erasures, _seconds(asked))

    def owner(self) -> str | None:
        mark: str | None = self._ask(partial(self._redis.hget, self._owner, "mark"))
        return mark

    def claim(self, *, adopt: bool = False) -> str | None:
        if self._store is None:
            return None
        before = self._run("claim", [self._owner], [self._store, int(adopt)]) or None
        if not adopt:
            check_owner(self._named, before, self._store)
        return before if adopt and before != self._store else None

    def note(self, worker: str, text: str) -> None:
        self._run("note", [self._notes], [worker, text, _MAX_NOTE_AGE_MS])

    def notes(self) -> list[Note]:
        rows = self._run("notes", [self._notes], [_MAX_NOTE_AGE_MS])
        found = [Note(worker, text, age / 1000) for worker, age, text in rows]
        return sorted(found, key=lambda note: (note.age, note.worker))

    def trouble(self) -> OutboxUnavailable | None:
        try:
            self._ask(self._rehearse)
        except OutboxUnavailable as error:
            return error
        return None

    def check(self) -> list[Finding]:
        self._refuse_when_closed()
        found = findings(self._redis, self._shown, lambda: self._ask(self._rehearse))
        with suppress(OutboxUnavailable):  # told by the findings
            found += ownership.findings(self._named, self.owner(), self._store)
        return found

    def close(self) -> None:
        self._closed = True
        self._redis.close()

    def _hold_back(self, consumer: str, items: Sequence[Leased], seconds: float) -> int:
        """Hold back those of the items that are still leased, and return how many they are."""
        if not items:
            return 0
        times = str(_milliseconds(seconds)), str(_MAX_HOLD_MS)
        words = [GROUP, consumer, *times, *_ids_and_tokens(items)]
        return int(self._run("hold_back", [self._queue, self._clock], words))

    def _add(self, texts: Sequence[str]) -> None:
        """Add all entries or none: a transaction is one piece in the append-only file, too."""
        self._prepare()
        pipeline = self._redis.pipeline(transaction=len(texts) > 1)
        for text in texts:
            pipeline.xadd(self._queue, {"completion": text})
        pipeline.execute()

    def _rehearse(self) -> None:
        """Raise what putting, leasing or settling would raise now, and change nothing.

        The first two look at the key of the queue itself, the script at a key of its own.
        """
        refused_for_the_id(partial(self._redis.xgroup_create, self._queue, GROUP, id="none"))
        refused_for_the_id(partial(self._redis.xadd, self._queue, {"completion": ""}, id="0-0"))
        self._scripts["rehearse"]([self._rehearsal], [GROUP])

    def _take(self, stream: str, old: Identity, new: Identity | None = None) -> Erased:
        """Remove what is not leased of a learner, and put it again as the new one's, if any."""
        gone, leased, who = 0, 0, codec.learner_key(old)
        for page in self._pages(stream):
            texts = {key: fields["completion"] for key, fields in page}
            theirs = [key for key, text in texts.items() if codec.learner_key_of(text) == who]
            again = [codec.reassign(texts[key], new) if new else "" for key in theirs]
            words = [word for pair in zip(theirs, again, strict=True) for word in pair]
            if words:
                answer = self._run("take", [stream, self._queue], [GROUP, _MAX_HOLD_MS, *words])
                gone, leased = gone + answer[0], leased + answer[1]
        return Erased(gone, leased)

    def _pages(self, stream: str) -> Iterator[list[tuple[str, dict[str, str]]]]:
        least = "-"
        while True:
            page = self._ask(partial(self._redis.xrange, stream, least, count=_PAGE))
            if page:
                yield page
                least = f"({page[-1][0]}"
            if len(page) < _PAGE:
                return

    def _run(self, name: str, keys: Sequence[str], words: Sequence[str | int]) -> Any:
        """Run a script, twice where the consumer group has to be made first."""

        def run() -> Any:
            try:
                return self._scripts[name](keys, words)
            except redis.ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
            self._create_group()
            return self._scripts[name](keys, words)

        return self._ask(run)

    def _prepare(self) -> None:
        """Make the group before anything is put, unless this outbox has seen to it before.

        Not when somebody reads: a Redis that is out of memory makes none, and could not be emptied.
        """
        if not self._grouped:
            self._create_group()

    def _create_group(self) -> None:
        """Make the consumer group, from the very first entry on, unless it is there.

        What was put before anybody read is delivered too.
        """
        try:
            self._redis.xgroup_create(self._queue, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._grouped = True

    def _refuse_when_closed(self) -> None:
        """Raise what a closed outbox answers, since redis-py would connect anew."""
        if self._closed:
            raise BridgeClosed(f"{self._shown}: this outbox is closed: nothing was done")

    def _ask(self, question: Callable[[], Any]) -> Any:
        self._refuse_when_closed()
        try:
            return question()
        except redis.RedisError as error:
            if is_replica(error):
                # A failover leaves kept connections with the old primary, and the address may lead
                # to the new one by now. (Those in use are other threads', which notice it too.)
                self._redis.connection_pool.disconnect(inuse_connections=False)
            raise meaning(error, self._shown) from error


def _client(settings: OutboxSettings) -> redis.Redis:
    try:
        return redis.Redis.from_url(
            settings.url,
            decode_responses=True,
            socket_timeout=settings.timeout,
            socket_connect_timeout=settings.timeout,
            # The caller decides whether to try again, and waits for no more than one time-out. (A
            # connection that was closed while it was idle is noticed without a retry.)
            retry=Retry(NoBackoff(), 0),
        )
    except (ValueError, TypeError, redis.RedisError):
        raise ConfigurationError("outbox.url: not a URL that redis-py can read") from None


def _script(name: str) -> str:
    return "".join((_LUA / f"{part}.lua").read_text(encoding="utf-8") for part in ("common", name))


def _milliseconds(seconds: float) -> int:
    return round(min(seconds, MAX_HOLD_SECONDS) * 1000)


def _seconds(milliseconds: int) -> float | None:
    return None if milliseconds < 0 else milliseconds / 1000


def _ids_and_tokens(items: Sequence[Leased]) -> list[str]:
    return [word for item in items for word in (item.id, item.token)]


def _possible_ids(ids: Sequence[str]) -> list[str]:
    """Return those that can be the id of a dead letter, each once."""
    return [key for key in dict.fromkeys(ids) if _ID.fullmatch(key)]


def _dead_letter(key: str, fields: dict[str, str]) -> DeadLetter:
    died = datetime.fromtimestamp(int(key.partition("-")[0]) / 1000, UTC)
    return DeadLetter(key, codec.decode(fields["completion"]), fields["reason"], died)
