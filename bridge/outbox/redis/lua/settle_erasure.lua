-- Forget a request that is still under its lease, for it is carried out, or put it off.
-- KEYS: erasures, erasing.
-- ARGV: learner, token, how long it is put off in milliseconds or '', 1 when it was carried out once.
local learner, token, delay = ARGV[1], ARGV[2], ARGV[3]
local state = redis.call('HGET', KEYS[2], learner)
local attempts, holder = string.match(state or '', '^%d+ %d+ (%d+) %d+ (.*)$')
if holder ~= token then return 0 end
if delay == '' then
    redis.call('ZREM', KEYS[1], learner)
    redis.call('HDEL', KEYS[2], learner)
else
    local time = now()
    -- Without memory the lease lasts as long as it was to.
    set(KEYS[2], learner,
        string.format('%d %d %d %d %s', time, time + delay, attempts, ARGV[4], token .. '-'))
end
return 1
