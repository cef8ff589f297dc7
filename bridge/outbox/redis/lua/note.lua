-- Keep what a worker writes. Forget notes that are too old, or from the future: the clock was put
-- back since, and who still runs writes again. KEYS: notes.
-- ARGV: worker, text, the age up to which notes are kept in milliseconds. A note is the time, a space and the text.
local time = now()
local notes = redis.call('HGETALL', KEYS[1])
for n = 1, #notes, 2 do
    local at = tonumber(string.match(notes[n + 1], '%d+'))
    if at < time - tonumber(ARGV[3]) or at > time then
        redis.call('HDEL', KEYS[1], notes[n])
    end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %s', time, ARGV[2]))
return 1
