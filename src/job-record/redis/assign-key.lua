-- Hands an idempotency key over with the job that it has made. It keeps the time that it still has.
-- KEYS  1 the entry of the caller that the job was of  2 the entry under its new caller
-- ARGV  1 tag  2 the new caller
-- gives 1, or 0 where the job is not the new caller's, or that caller has used the key itself
local id = redis.call('HGET', KEYS[1], 'id')
if not id or redis.call('HGET', ARGV[1] .. 'job:' .. id, 'caller') ~= ARGV[2] then return 0 end
return redis.call('RENAMENX', KEYS[1], KEYS[2])
