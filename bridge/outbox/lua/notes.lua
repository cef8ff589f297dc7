-- What the workers told last. KEYS: notes. Returns {worker, age in milliseconds, text} of each.
local notes, told, time = redis.call('HGETALL', KEYS[1]), {}, now()
for n = 1, #notes, 2 do
    local at, text = string.match(notes[n + 1], '^(%d+) (.*)$')
    told[#told + 1] = {notes[n], math.max(0, time - tonumber(at)), text}
end
return told
