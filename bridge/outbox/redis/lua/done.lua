-- Remove items that are still under their lease. KEYS: queue. ARGV: group, then id and token of each.
local count = 0
for n = 2, #ARGV, 2 do
    if still_leased(KEYS[1], ARGV[1], ARGV[n], ARGV[n + 1]) then
        redis.call('XACK', KEYS[1], ARGV[1], ARGV[n])
        redis.call('XDEL', KEYS[1], ARGV[n])
        count = count + 1
    end
end
return count
