-- Goes before the other scripts: names of the group's two consumers, and the fence.

-- Items that a worker holds, and items that wait to be handed out again.
local WORKERS, WAITERS = 'workers', 'waiters'

-- Whether this very lease still holds the item: the number of deliveries is its token.
local function held(queue, group, id, token)
    local pending = redis.call('XPENDING', queue, group, id, id, 1)[1]
    return pending and pending[2] == WORKERS and pending[4] == tonumber(token)
end

-- The server's time in milliseconds.
local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end
