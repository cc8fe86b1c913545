-- Copies an ended job, with everything that Redis holds of it, under other ids.
-- KEYS  1 its record  2 its event log  3 its idempotency entry
--       4 the caller's jobs  5 the caller's jobs of its status  6 ended jobs
-- ARGV  1 tag  2 how the names of idempotency entries begin
--       then for each copy: its id, the hash of its idempotency key, createdAt, expiresAt
local tag = ARGV[1]
for i = 3, #ARGV, 4 do
  local id, created, expires = ARGV[i], ARGV[i + 2], ARGV[i + 3]
  local record, entry = tag .. 'job:' .. id, ARGV[2] .. ARGV[i + 1]
  redis.call('COPY', KEYS[1], record)
  redis.call('HSET', record, 'id', id, 'createdAt', created, 'expiresAt', expires)
  redis.call('COPY', KEYS[2], tag .. 'events:' .. id)
  redis.call('COPY', KEYS[3], entry)
  redis.call('HSET', entry, 'id', id)
  redis.call('ZADD', KEYS[4], created, id)
  redis.call('ZADD', KEYS[5], created, id)
  redis.call('ZADD', KEYS[6], expires, id)
end
return #ARGV
