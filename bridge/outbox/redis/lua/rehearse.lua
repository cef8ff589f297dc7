-- Put an item, lease it, settle it and set it aside, on a key that nobody else uses, and leave nothing.
-- KEYS: rehearsal. ARGV: group.
local key, group = KEYS[1], ARGV[1]
redis.call('DEL', key)

local function item()
    redis.call('XGROUP', 'CREATE', key, group, '0', 'MKSTREAM')
    local id = redis.call('XADD', key, '*', 'completion', '')
    redis.call('XREADGROUP', 'GROUP', group, WORKERS, 'COUNT', 1, 'STREAMS', key, '>')
    redis.call('XPENDING', key, group, id, id, 1)
    redis.call('XCLAIM', key, group, WAITERS, 0, id, 'IDLE', 1, 'JUSTID')
    redis.call('XAUTOCLAIM', key, group, WORKERS, 0, '0-0', 'COUNT', 1, 'JUSTID')
    redis.call('XRANGE', key, '-', '+', 'COUNT', 1)
    redis.call('XACK', key, group, id)
    redis.call('XDEL', key, id)
end

local function notes_and_erasures()
    redis.call('DEL', key)
    redis.call('HSET', key, 'worker', 'note')
    redis.call('HGETALL', key)
    redis.call('HDEL', key, 'worker')
    redis.call('ZADD', key, 'NX', 1, 'learner')
    redis.call('ZREM', key, 'learner')
    redis.call('SET', key, 1)
end

local well, why = pcall(item)
if well then well, why = pcall(notes_and_erasures) end
redis.call('DEL', key)
if not well then return redis.error_reply(type(why) == 'table' and why.err or tostring(why)) end
return 1
