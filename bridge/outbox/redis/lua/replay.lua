-- Put dead letters again, at the end of the queue. KEYS: queue, dead. ARGV: ids.
local count = 0
for _, id in ipairs(ARGV) do
    local entry = redis.call('XRANGE', KEYS[2], id, id)[1]
    if entry then
        redis.call('XADD', KEYS[1], '*', 'completion', entry[2][2])
        redis.call('XDEL', KEYS[2], id)
        count = count + 1
    end
end
return count
