-- Mark the outbox for a store, unless it is marked, and return the mark that it had before, or ''.
-- Without memory it is marked later: what a full Redis holds must be delivered all the same.
-- KEYS: store (a hash). ARGV: the mark, 1 to put it in place of another.
local before = redis.call('HGET', KEYS[1], 'mark')
if not before or ARGV[2] == '1' then set(KEYS[1], 'mark', ARGV[1]) end
return before or ''
