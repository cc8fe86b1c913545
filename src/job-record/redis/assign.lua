-- Hands a job over from one caller to another, with all that names it by its caller but its idempotency key.
-- KEYS  1 record
-- ARGV  1 tag  2 job id  3 from  4 to  5 life of the changes ms, then ids of uploads that the job names
-- gives 1, or 0 where the job is not one of `from`
local tag, id, from, to = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local record = redis.call('HMGET', KEYS[1], 'caller', 'status', 'createdAt', 'seq', 'gpuMs')
local status, createdAt, seq = record[2], record[3], record[4]
if record[1] ~= from then return 0 end
local job = Fair.read(id)

-- Comes first: it needs memory, without which Redis refuses the whole step.
redis.call('ZADD', tag .. 'jobs:' .. to, createdAt, id)
redis.call('ZADD', tag .. 'jobs:' .. to .. ':' .. status, createdAt, id)
redis.call('HSET', KEYS[1], 'caller', to)
redis.call('ZREM', tag .. 'jobs:' .. from, id)
redis.call('ZREM', tag .. 'jobs:' .. from .. ':' .. status, id)

-- What is reserved for it, and its place in the queue. What `from` was charged in the queue stays charged.
local isOpen = status == 'QUEUED' or status == 'RUNNING'
local gpuMs = tonumber(record[5]) or 0
if isOpen and gpuMs > 0 then
  Meters.free(from, gpuMs)
  Meters.add(from, -gpuMs)
  Meters.reserve(to, gpuMs)
  Meters.add(to, gpuMs)
end
if isOpen then
  local waited = redis.call('ZSCORE', FAIR .. 'jobs:' .. from, id)
  Fair.leave(job, from)
  job.caller = to
  if waited then Fair.enter(job) end
  if redis.call('SREM', FAIR .. 'taken:' .. from, id) == 1 then redis.call('SADD', FAIR .. 'taken:' .. to, id) end
  Fair.settleCharge(job, from)
  Fair.settle(from)
  Fair.settle(to)
end
for i = 6, #ARGV do
  local upload = tag .. 'upload:' .. ARGV[i]
  if redis.call('HGET', upload, 'caller') == from then redis.call('HSET', upload, 'caller', to) end
end

-- Whoever follows the jobs of `to` learns of one more. Followers of `from` leave out what is no longer theirs.
local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
local changes = tag .. 'changes:' .. to
redis.call('XADD', changes, 'MAXLEN', '~', 1000, '*', 'id', id, 'seq', seq, 'type', 'SNAPSHOT', 'at', now)
redis.call('PEXPIRE', changes, ARGV[5])
redis.call('PUBLISH', changes, '')
return 1
