-- Hand out up to `most` items: first those whose lease or delay is over, then the next of the queue.
-- What is due of a learner who is to be erased is removed instead.
-- KEYS: queue, clock, erasures. ARGV: group, most, how long and the longest, in milliseconds.
-- Returns {id, deliveries, completion} of each, oldest first.
--
-- Every item that is held back is made to look idle for (longest - how long), so what is due is
-- whatever looks idle for the longest time, whoever leased it and for how long.
local queue, clock, group = KEYS[1], KEYS[2], ARGV[1]
local most, idle, longest = tonumber(ARGV[2]), ARGV[4] - ARGV[3], ARGV[4]
local given = {}

-- The clock was put back: nothing would look idle until it has caught up. So all is due.
local function release_all()
    local from = '-'
    repeat
        local page = redis.call('XPENDING', queue, group, from, '+', 1000)
        for _, pending in ipairs(page) do
            redis.call('XCLAIM', queue, group, pending[2], 0, pending[1],
                'IDLE', longest, 'JUSTID')
            from = '(' .. pending[1]
        end
    until #page < 1000
end

local erasing = redis.call('EXISTS', KEYS[3]) == 1

local function is_to_be_erased(entry)
    local read, what = pcall(cjson.decode, entry[2][2])
    if not read or type(what) ~= 'table' then return false end
    local learner = tostring(what.origin) .. ':' .. tostring(what.external_user_id)
    return redis.call('ZSCORE', KEYS[3], learner)
end

local function give(id, entry)
    if erasing and is_to_be_erased(entry) then
        redis.call('XACK', queue, group, id)
        redis.call('XDEL', queue, id)
        return
    end
    local deliveries = redis.call('XPENDING', queue, group, id, id, 1)[1][4]
    given[#given + 1] = {id, deliveries, entry[2][2]}
end

local function give_due()
    local cursor, due = '0-0', {}
    repeat
        local answer = redis.call('XAUTOCLAIM', queue, group, WORKERS, longest, cursor,
            'COUNT', most - #due, 'JUSTID')
        cursor = answer[1]
        for _, id in ipairs(answer[2]) do due[#due + 1] = id end
    until cursor == '0-0' or #due >= most
    for _, id in ipairs(due) do
        local entry = redis.call('XCLAIM', queue, group, WORKERS, 0, id, 'IDLE', idle)[1]
        if entry then give(id, entry) end
    end
end

local function give_next()
    local answer = redis.call('XREADGROUP', 'GROUP', group, WORKERS,
        'COUNT', most - #given, 'STREAMS', queue, '>')
    for _, entry in ipairs(answer and answer[1][2] or {}) do
        redis.call('XCLAIM', queue, group, WORKERS, 0, entry[1], 'IDLE', idle, 'JUSTID')
        give(entry[1], entry)
    end
end

local time = now()
local back = time < tonumber(redis.call('GET', clock) or 0)
if back then release_all() end
give_due()
if #given < most then give_next() end
-- Not by call: a Redis that is out of memory refuses SET, and must be emptied all the same.
if back or #given > 0 then redis.pcall('SET', clock, time) end
return given
