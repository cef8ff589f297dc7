-- Move an item that is still under its lease to the dead letters.
-- KEYS: queue, dead. ARGV: group, id, token, reason.
local queue, dead = KEYS[1], KEYS[2]
local group, id, token, reason = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if not still_leased(queue, group, id, token) then return 0 end
local entry = redis.call('XRANGE', queue, id, id)[1]
if entry then redis.call('XADD', dead, '*', 'completion', entry[2][2], 'reason', reason) end
redis.call('XACK', queue, group, id)
redis.call('XDEL', queue, id)
return 1
