-- Hold items that this lease still holds for longer. KEYS: queue, clock.
-- ARGV: group, how long and the longest, in milliseconds, then id and token of each.
local count = 0
for n = 4, #ARGV, 2 do
    if held(KEYS[1], ARGV[1], ARGV[n], ARGV[n + 1]) then
        redis.call('XCLAIM', KEYS[1], ARGV[1], WORKERS, 0, ARGV[n],
            'IDLE', ARGV[3] - ARGV[2], 'JUSTID')
        count = count + 1
    end
end
if count > 0 then redis.pcall('SET', KEYS[2], now()) end
return count
