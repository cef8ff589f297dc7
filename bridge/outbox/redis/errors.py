"""What a Redis's error means for the completions, in words that hold none of them."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import redis

from bridge.errors import OutboxMisconfigured, OutboxUnavailable


class Cause(NamedTuple):
    """One thing that a Redis can be kept from its part by.

    Attributes:
        pattern: of redis-py's text, or of the error beneath it.
        words: what it means.
        remedy: what to do about it.
        lasting: whether it stays until somebody mends it.
    """

    pattern: str
    words: str
    remedy: str
    lasting: bool = True


_REPLICA: Final = r"READONLY|read only replica"

_OUT_OF_MEMORY: Final = Cause(
    r"OOM|out of memory|'maxmemory'",
    "Redis is out of memory",
    "raise maxmemory, or let a deliverer empty the outbox",
    lasting=False,
)
_IS_REPLICA: Final = Cause(
    _REPLICA,
    "this Redis is a read-only replica (a failover is noticed by the next try)",
    "let outbox.url name the primary",
    lasting=False,
)
_REFUSED_USER: Final = Cause(
    r"WRONGPASS|invalid username-password|invalid password",
    "Redis refuses the user or the password",
    "write the right ones into outbox.url: redis://USER:PASSWORD@host, percent-encoded",
)
_FORBIDDEN: Final = Cause(
    r"NOPERM|has no permissions|no permission|executing the script can't",
    "the user's ACL forbids what the outbox does",
    "give the user of outbox.url the keys of outbox.prefix and all commands: "
    "ACL SETUSER … ~{progress-bridge:}* +@all -@dangerous",
)

# The first that fits counts. Redis's own text can quote data, and so is never shown.
_CAUSES: Final = (
    _OUT_OF_MEMORY,
    Cause(
        r"MISCONF|Errors writing to the AOF",
        "Redis cannot write to its disk",
        "free or mend the disk that Redis writes to",
        lasting=False,
    ),
    _IS_REPLICA,
    Cause(
        r"NOAUTH|Authentication required|HELLO must be",
        "Redis wants a password, and outbox.url has none",
        "write it into outbox.url: redis://:PASSWORD@host",
    ),
    _REFUSED_USER,
    _FORBIDDEN,
    Cause(
        r"DENIED|protected mode",
        "Redis is in protected mode: it answers its own machine alone",
        "give Redis a password, or bind it to the network on purpose",
    ),
    Cause(
        r"DB index is out of range|Invalid Database|SELECT is not allowed",
        "this Redis has no database of that number",
        "let outbox.url end with a number that it has: /0",
    ),
    Cause(
        r"max number of clients",
        "Redis has as many clients as it allows",
        "raise maxclients, or close what nobody needs",
        lasting=False,
    ),
    Cause(
        r"LOADING|loading the dataset",
        "Redis is still reading its data from disk",
        "wait until it has",
        lasting=False,
    ),
    Cause(
        r"CLUSTERDOWN|MASTERDOWN|NOREPLICAS",
        "Redis has lost a part of itself",
        "see that its nodes run",
        lasting=False,
    ),
    Cause(r"unknown command", "Redis 6.2 or newer is needed", "update it"),
    Cause(
        r"WRONGTYPE|wrong kind of value",
        "other data has our keys",
        "choose another outbox.prefix",
    ),
    Cause(
        r"certificate has expired|not yet valid",
        "TLS: its certificate is not valid today",
        "renew the certificate of Redis, or set the clock right",
    ),
    Cause(
        r"certificate is not valid for|[Hh]ostname mismatch",
        "TLS: its certificate is of another host",
        "let outbox.url name the host that the certificate names",
    ),
    Cause(
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed",
        "TLS: nobody we trust has signed its certificate",
        "name the file of its authority in outbox.url: ?ssl_ca_certs=/path/ca.pem",
    ),
    Cause(
        r"CERTIFICATE_REQUIRED|certificate required|bad certificate",
        "TLS: it wants a certificate of ours",
        "name one in outbox.url: ?ssl_certfile=/path/cert.pem&ssl_keyfile=/path/key.pem",
    ),
    Cause(
        r"WRONG_VERSION_NUMBER|wrong version number|handshake operation timed out|record layer",
        "TLS: it does not answer as TLS does",
        "let outbox.url name the TLS port, or begin with redis:// for one without TLS",
    ),
    Cause(
        r"No such file or directory|PEM lib|NO_CERTIFICATE_OR_CRL|no start line",
        "TLS: a certificate file that outbox.url names cannot be read",
        "mend the paths of ?ssl_ca_certs=, ?ssl_certfile= and ?ssl_keyfile=",
    ),
    Cause(
        r"Protocol Error|Bad response",
        "whoever answers there is no Redis",
        "let outbox.url name the host and port of Redis",
    ),
    Cause(
        r"Error -\d+ connecting|Name or service not known|name resolution|No address associated",
        "no such host: its name cannot be looked up",
        "mend the host in outbox.url, or the DNS",
        lasting=False,
    ),
    Cause(
        r"Connection refused",
        "it cannot be reached: nobody listens there (refused)",
        "start Redis, or mend host and port in outbox.url",
        lasting=False,
    ),
    Cause(
        r"Connection reset|Connection closed|closed by server|Broken pipe|EOF occurred",
        "it cannot be reached: the connection was cut off",
        "see that Redis runs; one that wants TLS needs rediss://, and one that wants a certificate "
        "of ours ?ssl_certfile= and ?ssl_keyfile=",
        lasting=False,
    ),
)

_OF_TYPES: Final[tuple[tuple[type[redis.RedisError], Cause], ...]] = (
    (redis.AuthenticationError, _REFUSED_USER),
    (redis.exceptions.NoPermissionError, _FORBIDDEN),
    (redis.exceptions.ReadOnlyError, _IS_REPLICA),
    (redis.exceptions.OutOfMemoryError, _OUT_OF_MEMORY),
    (
        redis.exceptions.AskError,
        Cause("", "another node of the cluster has our keys", "let outbox.url name that one"),
    ),
    (
        redis.TimeoutError,
        Cause("", "no answer in time", "see that Redis runs, and the network", lasting=False),
    ),
    (
        redis.ConnectionError,
        Cause("", "it cannot be reached", "see that Redis runs, and the network", lasting=False),
    ),
)

_UNKNOWN: Final = Cause("", "an error of Redis", "look at the log of Redis", lasting=False)


def meaning(error: redis.RedisError, shown_url: str) -> OutboxUnavailable:
    """Return the bridge's error for redis-py's, in words of ours: Redis's own can quote data.

    Returns:
        An `OutboxMisconfigured` for what stays until somebody mends it.
    """
    cause = _cause(error)
    kind = OutboxMisconfigured if cause.lasting else OutboxUnavailable
    message = f"{shown_url}: {cause.words} ({type(error).__name__})"
    return kind(message, reason=cause.words, remedy=cause.remedy)


def is_replica(error: redis.RedisError) -> bool:
    """Return whether a write came to a replica.

    Of a script's write, older servers tell it in their text alone.
    """
    return isinstance(error, redis.exceptions.ReadOnlyError) or bool(
        re.search(_REPLICA, str(error))
    )


def _cause(error: redis.RedisError) -> Cause:
    text = f"{error} {error.__cause__ or error.__context__ or ''}"
    for cause in _CAUSES:
        if re.search(cause.pattern, text):
            return cause
    return next((cause for kind, cause in _OF_TYPES if isinstance(error, kind)), _UNKNOWN)
