-- Remembers the nonce of a signed request, for as long as the request could be repeated.
--
-- KEYS[1] the nonces of the API key by the time at which they are forgotten
-- ARGV[1] the nonce; [2] for how long, in ms; [3] most that are remembered
-- Answers 0 once it is remembered, 1 where it is already, 2 where there are too many.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 2 end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 0
