"""What a Redis's error means for the completions, in words that hold none of them."""

from __future__ import annotations

import re
from typing import Final

import redis

from bridge.errors import OutboxUnavailable

_REPLICA: Final = r"READONLY|read only replica"
_IS_REPLICA: Final = (
    "this Redis is a read-only replica; name the primary (a failover is noticed by the next try)"
)
_WORDS: Final = (
    (r"OOM|out of memory|'maxmemory'", "Redis is out of memory: raise maxmemory, or deliver"),
    (r"MISCONF|Errors writing to the AOF", "Redis cannot write to its disk"),
    (_REPLICA, _IS_REPLICA),
    (
        r"NOAUTH|Authentication required|HELLO must be",
        "Redis wants a password; outbox.url has none",
    ),
    (r"WRONGPASS|invalid username-password", "Redis refuses the user or the password"),
    (
        r"NOPERM|has no permissions|no permission|executing the script can't",
        "the user's ACL forbids what the outbox does",
    ),
    (r"LOADING|loading the dataset", "Redis is still reading its data from disk"),
    (r"CLUSTERDOWN|MASTERDOWN|NOREPLICAS", "Redis has lost a part of itself"),
    (r"unknown command", "Redis 6.2 or newer is needed"),
    (r"WRONGTYPE|wrong kind of value", "other data has our keys: choose another outbox.prefix"),
)


def meaning(error: redis.RedisError, shown_url: str) -> OutboxUnavailable:
    """Return the bridge's error for redis-py's, in words of ours: Redis's own can quote data."""
    return OutboxUnavailable(f"{shown_url}: {_words(error)} ({type(error).__name__})")


def is_replica(error: redis.RedisError) -> bool:
    """Return whether a write came to a replica.

    Of a script's write, older servers tell it in their text alone.
    """
    return isinstance(error, redis.exceptions.ReadOnlyError) or bool(
        re.search(_REPLICA, str(error))
    )


def _words(error: redis.RedisError) -> str:
    by_type: tuple[tuple[type[redis.RedisError], str], ...] = (
        (redis.AuthenticationError, "Redis refuses the user or the password"),
        (redis.exceptions.NoPermissionError, "the user's ACL forbids what the outbox does"),
        (redis.exceptions.ReadOnlyError, _IS_REPLICA),
        (
            redis.exceptions.AskError,
            "another node of the cluster has our keys; name that one",
        ),
        (redis.exceptions.OutOfMemoryError, "Redis is out of memory"),
        (redis.BusyLoadingError, "Redis is still reading its data from disk"),
        (redis.TimeoutError, "no answer in time"),
        (redis.ConnectionError, "cannot be reached"),
    )
    text = str(error)
    for pattern, words in _WORDS:
        if re.search(pattern, text):
            return words
    return next((words for kind, words in by_type if isinstance(error, kind)), "an error of Redis")
