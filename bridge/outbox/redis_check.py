"""Whether a Redis keeps what the outbox is told: its persistence, memory and version."""

from __future__ import annotations

from typing import Any, Final

import redis

from bridge.finding import Finding
from bridge.outbox.redis_errors import meaning

OLDEST: Final = (6, 2)

_EVERYSEC: Final = "a crash may lose the last two seconds of completions"


def findings(client: redis.Redis, shown_url: str) -> list[Finding]:
    """What keeps the promise and what does not. Does not raise.

    Settings that put it at risk are warnings: completions are recorded all the same.
    """
    try:
        info: dict[str, Any] = client.info()
    except redis.RedisError as error:
        remedy = "mend what it says; until then nothing is accepted"
        return [Finding(ok=False, message=f"outbox {meaning(error, shown_url)}", remedy=remedy)]
    return [
        Finding(ok=True, message=f"outbox {shown_url}: reached"),
        _version(info),
        _role(info),
        _appendonly(info),
        _appendfsync(client),
        _eviction(info),
    ]


def _version(info: dict[str, Any]) -> Finding:
    shown = str(info.get("redis_version", "0"))
    numbers = tuple(int(part) for part in shown.split(".")[:2] if part.isdigit())
    if numbers >= OLDEST:
        return Finding(ok=True, message=f"Redis {shown}")
    return Finding(ok=False, message=f"Redis {shown}", remedy="6.2 or newer is needed")


def _role(info: dict[str, Any]) -> Finding:
    if info.get("role") == "master":
        return Finding(ok=True, message="it is a primary: it can be written")
    remedy = "let outbox.url name the primary"
    return Finding(ok=False, message="it is a read-only replica", remedy=remedy)


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
    """CONFIG is forbidden on many managed servers, and INFO does not tell this one."""
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
    """Our keys never expire, so the policies that evict expiring keys leave them alone."""
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if not policy.startswith("allkeys"):
        return Finding(ok=True, message=f"maxmemory-policy {policy}: nothing of ours is evicted")
    return Finding(
        ok=False,
        message=f"maxmemory-policy {policy}: a full Redis throws completions away",
        remedy="maxmemory-policy noeviction",
        fatal=False,
    )
