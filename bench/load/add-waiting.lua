-- Puts jobs without records behind those that a caller has in the queue.
-- KEYS  1 its jobs that no ticket has  2 their number  3 its state
-- ARGV  1 from  2 to
local last = tonumber(redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2])
for i = ARGV[1], ARGV[2] do
  redis.call('ZADD', KEYS[1], string.format('%.0f', last + 1), string.format('ffffffff-0000-7000-8000-%012d', i))
end
local added = ARGV[2] - ARGV[1] + 1
redis.call('INCRBY', KEYS[2], added)
redis.call('HINCRBY', KEYS[3], 'load', string.format('%.0f', added * 1000000))
