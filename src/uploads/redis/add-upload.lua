-- Records an upload, unless too many wait already for a job that names them.
--
-- KEYS[1] the record; [2] all uploads by the time they expire; [3] those of its client that no job names; [4] of all
-- ARGV[1] id; [2] how long it lives in ms; [3] most of KEYS[3]; [4] most of KEYS[4]; [5] tag; [6] its bytes; [7] most
-- bytes of KEYS[3] ('' where there is no bound); then the record's fields and values
-- Answers 0 once it is recorded, 1 where its client has too many, 2 where all have, {3, bytes of those that there are}
-- where its client's have too many bytes, and 4 where one of this id is just being removed.
--
-- An id that is made of what the file holds may be there already: it counts once, and lives on for no less than it did.
-- What has expired in KEYS[3] and KEYS[4] is removed here, so that each is counted while it can be used, and no longer.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local life = tonumber(ARGV[2])

if redis.call('HEXISTS', KEYS[1], 'retired') == 1 then return 4 end
for i = 1, 2 do redis.call('ZREMRANGEBYSCORE', KEYS[2 + i], '-inf', now) end
local waits = redis.call('ZSCORE', KEYS[3], ARGV[1])
-- A job names it, and no list of those that wait has it.
local kept = not waits and redis.call('EXISTS', KEYS[1]) == 1
  and tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or 0) > now
for i = 1, 2 do
  if not waits and not kept and redis.call('ZCARD', KEYS[2 + i]) >= tonumber(ARGV[2 + i]) then return i end
end

if ARGV[7] ~= '' and not kept then
  local bytes = 0
  for _, other in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    local taken = other ~= ARGV[1] and redis.call('HGET', ARGV[5] .. 'upload:' .. other, 'sizeBytes')
    bytes = bytes + (tonumber(taken or 0) or 0)
  end
  if bytes + ARGV[6] > tonumber(ARGV[7]) then return { 3, bytes } end
end

redis.call('HSET', KEYS[1], unpack(ARGV, 8))
redis.call('ZADD', KEYS[2], 'GT', now + life, ARGV[1])
if kept then return 0 end
for i = 3, 4 do redis.call('ZADD', KEYS[i], now + life, ARGV[1]) end
-- A client's later ones live longer.
redis.call('PEXPIRE', KEYS[3], math.max(life, 1))
return 0
