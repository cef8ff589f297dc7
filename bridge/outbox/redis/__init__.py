"""The outbox in a Redis, shared by several machines."""

from bridge.outbox.redis.outbox import RedisOutbox

__all__ = ["RedisOutbox"]
