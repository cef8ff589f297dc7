"""Whether a Redis takes and keeps what the outbox is told: rights, persistence, memory, version."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import redis

from bridge.checks import Finding
from bridge.errors import OutboxUnavailable
from bridge.outbox.redis.errors import meaning

OLDEST_VERSION: Final = (6, 2)

_REFUSES_THE_ID: Final = r"greater than 0-0|Invalid stream ID|requires the key to exist"
_EVERYSEC: Final = "a crash may lose the last two seconds of completions"


def findings(client: redis.Redis, shown_url: str, rehearse: Callable[[], None]) -> list[Finding]:
    """Tell what keeps the outbox's promise and what does not. Does not raise.

    Settings that put it at risk are warnings: completions are recorded all the same. So is that
    the settings may not be looked at.

    Args:
        client: of the Redis.
        shown_url: the URL as a message may show it.
        rehearse: raises what keeps completions from being recorded.
    """
    try:
        info: dict[str, Any] | None = _info(client)
    except redis.RedisError as error:
        return [_refused(meaning(error, shown_url))]
    reached = Finding(ok=True, message=f"outbox {shown_url}: reached")
    written = _written(info or {}, rehearse)
    if info is None:
        return [reached, written, _no_info(), _appendfsync(client)]
    looked_at = _version(info), _appendonly(info), _appendfsync(client), _eviction(info)
    return [reached, written, *looked_at]


def refused_for_the_id(question: Callable[[], Any]) -> None:
    """Ask what Redis refuses for its id alone when all is well, which changes nothing.

    Rights, memory, disk, role and slot are looked at before the id is.

    Raises:
        redis.RedisError: it is refused for something else.
    """
    try:
        question()
    except redis.ResponseError as error:
        if not re.search(_REFUSES_THE_ID, str(error)):
            raise


def _info(client: redis.Redis) -> dict[str, Any] | None:
    """Ask for INFO, None where an ACL forbids it, as one without ``@dangerous`` does.

    Recording does without.
    """
    try:
        answer: dict[str, Any] = client.info()
    except redis.ResponseError:
        return None
    return answer


def _no_info() -> Finding:
    return Finding(
        ok=False,
        message="version, appendonly and maxmemory-policy cannot be read here (INFO is forbidden)",
        remedy="ask the server's owner for 6.2 or newer, appendonly yes and noeviction",
        fatal=False,
    )


def _refused(error: OutboxUnavailable) -> Finding:
    return Finding(ok=False, message=f"outbox {error}", remedy=error.remedy)


def _written(info: dict[str, Any], rehearse: Callable[[], None]) -> Finding:
    try:
        rehearse()
    except OutboxUnavailable as error:
        return _refused(error)
    if info.get("role", "master") == "master":
        return Finding(ok=True, message="it can be written: put, lease and done work here")
    remedy = "let outbox.url name the primary"
    return Finding(ok=False, message="it is a replica: what it takes is lost", remedy=remedy)


def _version(info: dict[str, Any]) -> Finding:
    shown = str(info.get("redis_version", "0"))
    numbers = tuple(int(part) for part in shown.split(".")[:2] if part.isdigit())
    if numbers >= OLDEST_VERSION:
        return Finding(ok=True, message=f"Redis {shown}")
    return Finding(ok=False, message=f"Redis {shown}", remedy="6.2 or newer is needed")


def _appendonly(info: dict[str, Any]) -> Finding:
    if not info.get("aof_enabled"):
        return Finding(
            ok=False,
            message="appendonly no: a restart of Redis loses completions that were accepted",
            remedy="appendonly yes, and appendfsync always",
            fatal=False,
        )
    if info.get("aof_last_write_status", "ok") != "ok":
        remedy = "look at the disk that Redis writes to"
        return Finding(
            ok=False, message="Redis could not write its append-only file", remedy=remedy
        )
    return Finding(ok=True, message="appendonly yes: what is accepted goes to disk")


def _appendfsync(client: redis.Redis) -> Finding:
    """Check appendfsync by CONFIG, for INFO does not tell it.

    Many managed servers forbid CONFIG. Then it is a warning that this cannot be read.
    """
    try:
        value = client.config_get("appendfsync").get("appendfsync")
    except redis.RedisError:
        return Finding(
            ok=False,
            message="appendfsync cannot be read here (CONFIG is forbidden)",
            remedy=f"ask the server's owner for appendfsync always; otherwise {_EVERYSEC}",
            fatal=False,
        )
    if value == "always":
        return Finding(ok=True, message="appendfsync always: on disk before it is accepted")
    return Finding(
        ok=False,
        message=f"appendfsync {value}: {_EVERYSEC}",
        remedy="appendfsync always",
        fatal=False,
    )


def _eviction(info: dict[str, Any]) -> Finding:
    """Check that maxmemory-policy evicts no key without an expiry, for ours have none."""
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if not policy.startswith("allkeys"):
        return Finding(ok=True, message=f"maxmemory-policy {policy}: nothing of ours is evicted")
    return Finding(
        ok=False,
        message=f"maxmemory-policy {policy}: a full Redis throws completions away",
        remedy="maxmemory-policy noeviction",
        fatal=False,
    )
