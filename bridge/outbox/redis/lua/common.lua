-- Goes before every other script: the group's two consumers, and functions that several use.

-- The consumer of leased items, and that of items given back, which wait to be due again.
local WORKERS, WAITERS = 'workers', 'waiters'

-- Return whether the item is still under this very lease: the number of deliveries is its token.
local function still_leased(queue, group, id, token)
    local pending = redis.call('XPENDING', queue, group, id, id, 1)[1]
    return pending and pending[2] == WORKERS and pending[4] == tonumber(token)
end

-- Set a field of a hash, and return whether there was memory for it. What a Redis that is out of memory hands out
-- must be settled all the same, so that it can be emptied.
local function set(hash, field, value)
    local answer = redis.pcall('HSET', hash, field, value)
    local failure = type(answer) == 'table' and answer.err
    if failure and not string.find(failure, 'OOM', 1, true) then error(failure) end
    return not failure
end

-- Return the server's time in milliseconds.
local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end
