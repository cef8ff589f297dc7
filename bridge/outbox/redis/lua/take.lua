-- Remove entries of the queue or of the dead letters, unless they are leased. Where there is a
-- completion beside the id, it is put instead. KEYS: queue or dead, queue.
-- ARGV: group, the longest in milliseconds, then id and completion (or '') of each.
-- Returns {how many are gone, how many are leased}.
local stream, queue, group, longest = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
local gone, leased = 0, 0
for n = 3, #ARGV, 2 do
    local id = ARGV[n]
    local pending = stream == queue and redis.call('XPENDING', queue, group, id, id, 1)[1]
    if pending and pending[2] == WORKERS and pending[3] < longest then
        leased = leased + 1
    elseif redis.call('XRANGE', stream, id, id)[1] then
        if ARGV[n + 1] ~= '' then redis.call('XADD', queue, '*', 'completion', ARGV[n + 1]) end
        if stream == queue then redis.call('XACK', queue, group, id) end
        redis.call('XDEL', stream, id)
        gone = gone + 1
    end
end
return {gone, leased}
