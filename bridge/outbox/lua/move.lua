-- Put entries of the queue or of the dead letters again, as they are now written, unless a worker
-- holds them. KEYS: queue or dead, queue. ARGV: group, the longest in milliseconds, then id and
-- completion of each. Returns how many a worker holds.
local stream, queue, group, longest = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
local kept = 0
for n = 3, #ARGV, 2 do
    local id = ARGV[n]
    local pending = stream == queue and redis.call('XPENDING', queue, group, id, id, 1)[1]
    if pending and pending[2] == WORKERS and pending[3] < longest then
        kept = kept + 1
    elseif redis.call('XRANGE', stream, id, id)[1] then
        redis.call('XADD', queue, '*', 'completion', ARGV[n + 1])
        if stream == queue then redis.call('XACK', queue, group, id) end
        redis.call('XDEL', stream, id)
    end
end
return kept
