-- Carries out one move of a job: checks status and lease, writes the change, and appends and publishes the event, to
-- the job's own log and, except for PROGRESS, to the changes of its caller. Nothing else writes a job's fields, so that
-- record, logs and live feeds always agree.
-- KEYS  1 record  2 event log
-- ARGV  1 tag  2 job id
--       3 the move {fenced, yieldsToCancel, steps: {status: {to, event, add}}} of core/moves.ts
--       4 lease ('' where the move is not fenced)  5 retention ms  6 '1': answer with the record
--       7 life of the changes ms  8 submission that is written where the record names none, or ''
--       then fields and values to set, in turn
-- gives {'gone'} | {'lost'} | {'refused', status} | {'done', status, cancel requested '1' or '0', record or nothing,
--       ticket to add or '', '1' where the submission was written, else '0'}
local tag, id = ARGV[1], ARGV[2]
local move = cjson.decode(ARGV[3])
local record = redis.call('HMGET', KEYS[1], 'status', 'lease', 'cancelRequestedAt', 'caller', 'createdAt', 'seq',
  'progress', 'startedAt', 'submission', 'client', 'bytes', 'template', 'gpuMs', 'ranAt', 'claimedAt', 'ticket')
local status, caller, createdAt = record[1], record[4], record[5]
if not status then return { 'gone' } end
if move.fenced and record[2] ~= ARGV[4] then return { 'lost' } end
local step = move.steps[status]
if not step then return { 'refused', status } end
-- Of a worker that stood still behind its pick: the ticket was delivered again, and the job parked. It takes another
-- pick to start it, which says whether its caller may have one more that runs.
local starts = status == 'QUEUED' and step.to == 'RUNNING' and record[16]
if starts and redis.call('SISMEMBER', FAIR .. 'taken:' .. caller, id) == 0 then return { 'lost' } end

local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
local canceling = record[3] ~= ''
local to, event = step.to, step.event
local set = {}
if move.yieldsToCancel and canceling then
  to, event = 'CANCELED', 'CANCELED'
else
  for i = 9, #ARGV, 2 do set[ARGV[i]] = ARGV[i + 1] end
  for _, counter in ipairs(step.add or {}) do
    set[counter] = tostring(redis.call('HINCRBY', KEYS[1], counter, 1))
  end
end
local submits = ARGV[8] ~= '' and to == 'RUNNING' and (record[9] or '') == ''
if submits then set.submission = ARGV[8] end
if event == cjson.null then event = nil end
-- Versions without OUTPUT, which run beside this one during an upgrade, take it for PROGRESS: they do not read `as`.
local told, as = event, nil
if event == 'OUTPUT' then told, as = 'PROGRESS', event end

if event == 'CANCEL_REQUESTED' and canceling then return { 'refused', status } end
if event == 'CANCEL_REQUESTED' or (event == 'CANCELED' and not canceling) then
  set.cancelRequestedAt, canceling = now, true
elseif event == 'STARTED' then
  if record[8] == '' then set.startedAt = now end
  set.claimedAt = now
  -- Those of an attempt that was cut off. What it had stored is removed with the job.
  set.artifacts = '[]'
  local progress = cjson.decode(record[7])
  progress.fraction, progress.nodesDone, progress.node = 0, 0, cjson.null
  set.progress = cjson.encode(progress)
end
local reserved = tonumber(record[13])
if reserved and event == 'STARTED' then set.ranAt = '' end
if reserved and set.waits == 'false' and (record[14] or '') == '' then set.ranAt = now end

local ended = to == 'SUCCEEDED' or to == 'FAILED' or to == 'CANCELED'
if ended then
  set.finishedAt = now
  redis.call('HDEL', KEYS[1], 'sealedApiKey')
  set.expiresAt = string.format('%d', now + ARGV[5])
  redis.call('ZREM', tag .. 'open', id)
  redis.call('ZADD', tag .. 'ended', set.expiresAt, id)
  if to == 'FAILED' and set.error then redis.call('ZADD', tag .. 'failed:' .. cjson.decode(set.error).code, now, id) end
  local client = record[10]
  if client and redis.call('HINCRBY', tag .. 'bytes:open', client, -record[11]) <= 0 then
    redis.call('HDEL', tag .. 'bytes:open', client)
  end
  if reserved then
    -- What is not measured, since it did not succeed, is the time from its beginning at a server.
    local since = tonumber(record[14]) or (to == 'SUCCEEDED' and tonumber(record[15]))
    -- The clock may have been put back meanwhile.
    local ran = tonumber(set.gpuUsedMs) or (since and math.max(0, now - since)) or 0
    if status == 'QUEUED' then ran = 0 end
    set.gpuUsedMs = string.format('%d', ran)
    Meters.free(caller, reserved)
    Meters.add(caller, ran - reserved)
  end
  -- A graph of the caller's own. The sweeper packs it: here it would cost time that everybody waits for.
  if record[12] == '' and redis.call('HSTRLEN', KEYS[1], 'parameters') >= 4096 then
    redis.call('ZADD', tag .. 'unpacked', now, id)
  end
end
local ticket = ''
if to ~= status then
  set.status = to
  local jobs = tag .. 'jobs:' .. caller .. ':'
  redis.call('ZREM', jobs .. status, id)
  redis.call('ZADD', jobs .. to, createdAt, id)
  redis.call('ZREM', tag .. 'status:' .. status, id)
  if not ended then redis.call('ZADD', tag .. 'status:' .. to, createdAt, id) end
  ticket = Fair.moved(id, to, tonumber(set.gpuUsedMs), move.fenced, now)
end

if event then
  local seq = record[6] + 1
  set.seq = string.format('%d', seq)
  if ended then
    -- What is left of the log are its lifecycle events: built anew, since entries deleted one by one keep their memory.
    local kept = {}
    for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+')) do
      if entry[2][2] ~= 'PROGRESS' or entry[2][5] then kept[#kept + 1] = entry end
    end
    redis.call('DEL', KEYS[2])
    for _, entry in ipairs(kept) do redis.call('XADD', KEYS[2], entry[1], unpack(entry[2])) end
  end
  local entry = { 'type', told, 'at', now }
  if as then entry[5], entry[6] = 'as', as end
  -- 5000 events are over eight minutes of progress at its fastest, in some 100 KB.
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', 5000, set.seq .. '-0', unpack(entry))
end

local flat = {}
for field, value in pairs(set) do flat[#flat + 1], flat[#flat + 2] = field, value end
if #flat > 0 then redis.call('HSET', KEYS[1], unpack(flat)) end
if event then
  -- The submission is written without an event of its own: whoever follows the job learns of it with the next one.
  if record[9] and record[9] ~= '' then set.submission = record[9] end
  local message = { seq = record[6] + 1, type = told, as = as, at = tonumber(now), set = set }
  redis.call('PUBLISH', KEYS[1], cjson.encode(message))
  if event ~= 'PROGRESS' then
    local changes = tag .. 'changes:' .. caller
    redis.call('XADD', changes, 'MAXLEN', '~', 1000, '*', 'id', id, 'seq', set.seq, 'type', event, 'at', now)
    redis.call('PEXPIRE', changes, ARGV[7])
    redis.call('PUBLISH', changes, '')
  end
end
return { 'done', to, canceling and '1' or '0', ARGV[6] == '1' and redis.call('HGETALL', KEYS[1]) or false, ticket,
  submits and '1' or '0' }
