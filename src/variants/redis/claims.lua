-- Counts a picture that was made of another one, and says which older ones it replaces.
-- KEYS 1  the sorted set of the pictures made of one original: their names, by when they were made
-- ARGV 1 its name, 2 how many are kept, 3 ms that the set is kept behind the last one
-- gives the names of those that are kept no longer, the oldest first
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] .. string.format('%06d', time[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local replaced = redis.call('ZRANGE', KEYS[1], 0, -1 - tonumber(ARGV[2]))
if #replaced > 0 then
  redis.call('ZREM', KEYS[1], unpack(replaced))
end
return replaced
