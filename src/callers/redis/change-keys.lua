-- Ends an API key, adds one, or does both in one step.
--
-- KEYS[1] all keys by the time at which they are forgotten; [2] those of the caller by the time at which they end;
-- [3] the list of changes; [4] the record of the key that ends; [5] the record of the key that is added
-- ARGV[1] the id of the key that ends, or ''; [2] in how many ms; [3] how long a key is kept once it has ended, in ms;
-- [4] the length of the list of changes; [5] the id of the key that is added, or ''; [6] its life in ms, or '';
-- [7] most keys of the caller; [8] most keys; then the added key's fields and values
-- Answers 0 once it is done; 1 where there is no key that could end, 2 where it has ended or is about to, 3 where the
-- caller has too many keys, 4 where there are too many.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = tonumber(ARGV[3])
local ending, adding = ARGV[1] ~= '', ARGV[5] ~= ''

-- Numbers are written whole: Lua would give large ones an exponent.
local function whole(number)
  return string.format('%.0f', number)
end

local function place(record, id, ends)
  if ends then
    redis.call('ZADD', KEYS[1], whole(ends + kept), id)
    redis.call('ZADD', KEYS[2], whole(ends), id)
    redis.call('PEXPIREAT', record, whole(ends + kept))
  else
    redis.call('ZADD', KEYS[1], '+inf', id)
    redis.call('ZADD', KEYS[2], '+inf', id)
  end
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', 'id', id)
end

local ends
if ending then
  if redis.call('EXISTS', KEYS[4]) == 0 then return 1 end
  local fields = redis.call('HMGET', KEYS[4], 'revokedAt', 'expiresAt')
  local revoked, expires = tonumber(fields[1]), tonumber(fields[2])
  if (revoked and (adding or revoked <= now)) or (expires and expires <= now) then return 2 end
  ends = math.min(now + tonumber(ARGV[2]), expires or math.huge)
end

if adding then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
  if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[7]) then return 3 end
  if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[8]) then return 4 end
  redis.call('HSET', KEYS[5], 'createdAt', whole(now), unpack(ARGV, 9))
  local expires = tonumber(ARGV[6]) and now + tonumber(ARGV[6])
  if expires then redis.call('HSET', KEYS[5], 'expiresAt', whole(expires)) end
  place(KEYS[5], ARGV[5], expires)
end

if ending then
  redis.call('HSET', KEYS[4], 'revokedAt', whole(now + tonumber(ARGV[2])))
  place(KEYS[4], ARGV[1], ends)
end
return 0
