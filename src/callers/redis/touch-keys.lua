-- Notes that API keys have been used; one that is gone stays gone.
--
-- KEYS the records of the keys
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
for _, record in ipairs(KEYS) do
  if redis.call('EXISTS', record) == 1 then redis.call('HSET', record, 'lastUsedAt', now) end
end
