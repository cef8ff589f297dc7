-- Ask for a learner's erasure; asked for before, it is due at once and no worker's any more.
-- KEYS: erasures (a sorted set: learners by the time of asking), erasing (a hash: of each, since and
-- until when it is held back, how often it was leased, 1 when it was carried out once, and the token).
-- ARGV: learner, token.
local learner = ARGV[1]
local state = redis.call('HGET', KEYS[2], learner)
redis.call('ZADD', KEYS[1], 'NX', now(), learner)
local attempts = state and string.match(state, '^%d+ %d+ (%d+)') or 0
redis.call('HSET', KEYS[2], learner, string.format('0 0 %d 0 %s', attempts, ARGV[2]))
return 1
