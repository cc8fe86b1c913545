-- Accepts a job in one atomic step, or says what its idempotency key has already made.
-- KEYS  1 idempotency entry  2 record  3 event log  4 caller's jobs  5 caller's QUEUED jobs  6 open  7 status:QUEUED
--       8 comfyui-seen  9 template (or the record again, where there is none)  10 caller's changes
--       11 bytes of open jobs by client  12 bytes of kept jobs by client
-- ARGV  1 tag  2 job id  3 fingerprint  4 deadline ms  5 least life of the idempotency entry ms
--       6 grace ms without a ComfyUI
--       7 least life of the template ms ('' where there is none)  8 life of the changes ms
--       9 the job that this one runs again ('' where there is none)  10 '1': only while that one is listed as failed
--       11 the client that the job is counted against ('' where it is none)  12 bytes of the job
--       13 most bytes of a client's open jobs  14 bytes that Redis has left for jobs
--       15 a client may hold so many times what is left
--       then the record's fields and values in turn
-- gives {'created', now, ticket to add or ''} | {'replayed', record, the same} | {'reused', id} | {'deleted', id}
--       | {'unlisted'} | {'refused', unseen ms} | {'full', 'redis'} | {'full', 'open' or 'kept', bytes of the client}
--       | {'template'}
local tag, id = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local entry = redis.call('HMGET', KEYS[1], 'id', 'fingerprint')
if entry[1] then
  if entry[2] ~= ARGV[3] then return { 'reused', entry[1] } end
  local record = redis.call('HGETALL', tag .. 'job:' .. entry[1])
  if #record == 0 then return { 'deleted', entry[1] } end
  local waits = redis.call('HGET', tag .. 'job:' .. entry[1], 'status') == 'QUEUED'
  local spare = waits and redis.call('ZSCORE', FAIR .. 'spare', entry[1])
  return { 'replayed', record, spare and entry[1] or '' }
end

local failed = nil
if ARGV[9] ~= '' then
  local failure = redis.call('HGET', tag .. 'job:' .. ARGV[9], 'error')
  if failure and failure ~= '' then failed = tag .. 'failed:' .. cjson.decode(failure).code end
  if ARGV[10] == '1' and not (failed and redis.call('ZSCORE', failed, ARGV[9])) then return { 'unlisted' } end
end

local seen = redis.call('GET', KEYS[8])
if seen and now - seen > tonumber(ARGV[6]) then return { 'refused', now - seen } end

local client, bytes, room = ARGV[11], tonumber(ARGV[12]), tonumber(ARGV[14])
if room < bytes then return { 'full', 'redis' } end
-- A version that does not count may have ended or removed jobs of this one: without jobs the counts begin anew.
local noneOpen = redis.call('EXISTS', KEYS[6]) == 0
local noneKept = noneOpen and redis.call('EXISTS', tag .. 'ended') == 0
if client ~= '' then
  local open = not noneOpen and tonumber(redis.call('HGET', KEYS[11], client)) or 0
  if open + bytes > tonumber(ARGV[13]) then return { 'full', 'open', open } end
  local kept = not noneKept and tonumber(redis.call('HGET', KEYS[12], client)) or 0
  if kept + bytes > room * ARGV[15] then return { 'full', 'kept', kept } end
end

local deadline = tonumber(ARGV[4])
local keep = math.max(tonumber(ARGV[5]), deadline)
local left = ARGV[7] ~= '' and redis.call('PTTL', KEYS[9])
if left == -2 then return { 'template' } end

-- Redis checks its memory only before the first write of a script. That write must need memory: otherwise a full Redis
-- would accept the whole job, and then refuse to queue it.
redis.call('HSET', KEYS[1], 'id', id, 'fingerprint', ARGV[3])
-- Never shortened: records of longer-lived jobs name it too.
if left and left >= 0 and left < tonumber(ARGV[7]) then redis.call('PEXPIRE', KEYS[9], ARGV[7]) end
redis.call('PEXPIRE', KEYS[1], keep)
redis.call('HSET', KEYS[2], 'status', 'QUEUED', 'seq', 1, 'createdAt', now, 'deadlineAt', now + deadline,
  unpack(ARGV, 16))
if noneOpen then redis.call('DEL', KEYS[11]) end
if noneKept then redis.call('DEL', KEYS[12]) end
if client ~= '' then
  redis.call('HSET', KEYS[2], 'client', client, 'bytes', ARGV[12])
  redis.call('HINCRBY', KEYS[11], client, ARGV[12])
  redis.call('HINCRBY', KEYS[12], client, ARGV[12])
end
redis.call('XADD', KEYS[3], '1-0', 'type', 'QUEUED', 'at', now)
redis.call('ZADD', KEYS[4], now, id)
redis.call('ZADD', KEYS[5], now, id)
redis.call('ZADD', KEYS[6], now + deadline, id)
redis.call('ZADD', KEYS[7], now, id)
if failed then redis.call('ZREM', failed, ARGV[9]) end
redis.call('XADD', KEYS[10], 'MAXLEN', '~', 1000, '*', 'id', id, 'seq', 1, 'type', 'QUEUED', 'at', now)
redis.call('PEXPIRE', KEYS[10], ARGV[8])
redis.call('PUBLISH', KEYS[10], '')
return { 'created', now, Fair.accept(Fair.read(id), id, now) }
