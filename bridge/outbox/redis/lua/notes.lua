-- Return the last note of each worker. KEYS: notes.
-- ARGV: the age up to which notes are kept in milliseconds.
-- Returns {worker, age in milliseconds, text} of each. A note from the future, written before the
-- clock was put back, is as old as any.
local notes, told, time = redis.call('HGETALL', KEYS[1]), {}, now()
for n = 1, #notes, 2 do
    local at, text = string.match(notes[n + 1], '^(%d+) (.*)$')
    local age = time - tonumber(at)
    told[#told + 1] = {notes[n], age < 0 and tonumber(ARGV[1]) or age, text}
end
return told
