-- Removes a job with all that names it.
-- KEYS  1 record  2 event log
-- ARGV  1 tag  2 job id
local tag, id = ARGV[1], ARGV[2]
local record = redis.call('HMGET', KEYS[1], 'caller', 'status', 'error', 'client', 'bytes', 'gpuMs')
local caller, status, failure, client = record[1], record[2], record[3], record[4]

-- Comes first: a full Redis takes any write of a script whose first one needs no memory.
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('ZREM', tag .. 'ended', id)
redis.call('ZREM', tag .. 'unpacked', id)
if caller and status then
  redis.call('ZREM', tag .. 'jobs:' .. caller, id)
  redis.call('ZREM', tag .. 'jobs:' .. caller .. ':' .. status, id)
end
-- Nothing may stop it half-way, whatever another version has written there.
local readable, failed = pcall(cjson.decode, failure or '')
if readable and type(failed) == 'table' and failed.code then redis.call('ZREM', tag .. 'failed:' .. failed.code, id) end
if caller and record[6] and (status == 'QUEUED' or status == 'RUNNING') then
  if tonumber(record[6]) > 0 and redis.call('HINCRBY', tag .. 'reserved', caller, -record[6]) <= 0 then
    redis.call('HDEL', tag .. 'reserved', caller)
  end
end
if client and redis.call('HINCRBY', tag .. 'bytes:kept', client, -record[5]) <= 0 then
  redis.call('HDEL', tag .. 'bytes:kept', client)
end
