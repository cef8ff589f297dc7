-- Goes before the other scripts: names of the group's two consumers, and the fence.

-- Items that a worker holds, and items that wait to be handed out again.
local WORKERS, WAITERS = 'workers', 'waiters'

-- Whether this very lease still holds the item: the number of deliveries is its token.
local function held(queue, group, id, token)
    local pending = redis.call('XPENDING', queue, group, id, id, 1)[1]
    return pending and pending[2] == WORKERS and pending[4] == tonumber(token)
end

-- Set a field of a hash; whether there was memory for it. What a Redis that is out of memory hands out
-- must be settled all the same, so that it can be emptied.
local function set(hash, field, value)
    local answer = redis.pcall('HSET', hash, field, value)
    local failure = type(answer) == 'table' and answer.err
    if failure and not string.find(failure, 'OOM', 1, true) then error(failure) end
    return not failure
end

-- The server's time in milliseconds.
local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end
