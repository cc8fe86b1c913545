-- Puts packed parameters in the place of those that an ended job has.
-- KEYS  1 record  2 unpacked  3 bytes of kept jobs by client
-- ARGV  1 job id  2 bytes of the parameters as they were read  3 the same, packed
redis.call('ZREM', KEYS[2], ARGV[1])
-- The record is gone, or another gateway has packed it.
local length = redis.call('HSTRLEN', KEYS[1], 'parameters')
if length == 0 or length ~= tonumber(ARGV[2]) or redis.call('HEXISTS', KEYS[1], 'packed') == 1 then return end
redis.call('HSET', KEYS[1], 'parameters', '{}', 'packed', ARGV[3], 'unpackedBytes', ARGV[2])
local client = redis.call('HGET', KEYS[1], 'client')
if not client then return end
local saved = ARGV[2] - #ARGV[3]
redis.call('HINCRBY', KEYS[1], 'bytes', -saved)
redis.call('HINCRBY', KEYS[3], client, -saved)
