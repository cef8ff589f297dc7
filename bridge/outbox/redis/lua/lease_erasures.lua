-- Hand out up to `most` requests for a learner's erasure that are due, first asked first.
-- KEYS: erasures, erasing. ARGV: most, how long in milliseconds, token.
-- Returns {learner, asked at in milliseconds, attempts, erased, token} of each.
local most, time, given = tonumber(ARGV[1]), now(), {}

local function give(learner, at)
    local state = redis.call('HGET', KEYS[2], learner)
    local since, till, attempts, erased, token =
        string.match(state, '^(%d+) (%d+) (%d+) (%d+) (.*)$')
    if tonumber(since) <= time and time < tonumber(till) then return end
    local leased = string.format('%d %d %d %d %s', time, time + ARGV[2], attempts + 1, erased, ARGV[3])
    -- Without memory the request keeps its token, and may be carried out by two at once.
    if set(KEYS[2], learner, leased) then token = ARGV[3] end
    given[#given + 1] = {learner, at, attempts + 1, erased, token}
end

local from = 0
repeat
    local page = redis.call('ZRANGE', KEYS[1], from, from + 999, 'WITHSCORES')
    for n = 1, #page, 2 do
        if #given < most then give(page[n], page[n + 1]) end
    end
    from = from + 1000
until #page < 2000 or #given >= most
return given
