-- Hold back items that are still under their lease: for its worker, or until they are due again.
-- KEYS: queue, clock.
-- ARGV: group, which consumer, how long and the longest, in milliseconds, then id and token of each.
local count = 0
for n = 5, #ARGV, 2 do
    if still_leased(KEYS[1], ARGV[1], ARGV[n], ARGV[n + 1]) then
        redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[n],
            'IDLE', ARGV[4] - ARGV[3], 'JUSTID')
        count = count + 1
    end
end
if count > 0 then redis.pcall('SET', KEYS[2], now()) end
return count
