-- Count what there is. KEYS: queue, dead, erasures. ARGV: group, the longest in milliseconds.
-- Returns {all that is not dead, leased, dead, age of the oldest in milliseconds or -1, how many
-- learners are to be erased, milliseconds since the first of these erasures was asked for or -1}.
local queue, group = KEYS[1], ARGV[1]
local leased = 0
for _, consumer in ipairs(redis.call('XPENDING', queue, group)[4] or {}) do
    if consumer[1] == WORKERS then leased = tonumber(consumer[2]) end
end
local over = redis.call('XPENDING', queue, group, 'IDLE', ARGV[2], '-', '+',
    math.max(leased, 1), WORKERS)
local oldest = redis.call('XRANGE', queue, '-', '+', 'COUNT', 1)[1]
local age = oldest and math.max(0, now() - tonumber(string.match(oldest[1], '%d+'))) or -1
local asked = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2]
local asked_age = asked and math.max(0, now() - tonumber(asked)) or -1
return {redis.call('XLEN', queue), leased - #over, redis.call('XLEN', KEYS[2]), age,
    redis.call('ZCARD', KEYS[3]), asked_age}
