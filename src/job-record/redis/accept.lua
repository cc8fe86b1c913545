-- Accepts a job in one atomic step, or says what its idempotency key has already made. Without a job id it only says
-- that, and counts a request of the caller whose input was refused.
-- KEYS  1 idempotency entry  2 record  3 event log  4 caller's jobs  5 caller's QUEUED jobs  6 open  7 status:QUEUED
--       8 comfyui-seen  9 template (or the record again, where there is none)  10 caller's changes
--       11 bytes of open jobs by client  12 bytes of kept jobs by client
--       13 caller's use of its plan  14 reserved GPU ms by caller
-- ARGV  1 tag  2 job id  3 fingerprint  4 deadline ms  5 least life of the idempotency entry ms
--       6 grace ms without a ComfyUI
--       7 least life of the template ms ('' where there is none)  8 life of the changes ms
--       9 the job that this one runs again ('' where there is none)  10 '1': only while that one is listed as failed
--       11 the client that the job is counted against ('' where it is none)  12 bytes of the job
--       13 most bytes of a client's open jobs  14 bytes that Redis has left for jobs
--       15 a client may hold so many times what is left
--       16 caller
--       17 its plan ('' where there is none: then nothing of it is counted): name, weight, requests a minute, GPU ms a
--       minute, GPU ms a day, jobs a day, most queued, most running, each `-` where it has no bound
--       18 GPU ms of the job
--       then the record's fields and values in turn, but those that all jobs begin with
-- gives {'created', now, ticket to add or '', what is left of the plan's limits in that order, without the last}
--       | {'replayed', record, the ticket} | {'limited', place of the limit, what is left of it, ms until there is
--       enough, -1 where time does not tell, what is left of all} | {'none'} | {'reused', id} | {'deleted', id}
--       | {'unlisted'} | {'refused', unseen ms}
--       | {'full', 'redis'} | {'full', 'open' or 'kept', bytes of the client} | {'template'}
local tag, id = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Requests, GPU ms in a minute and in a day, and jobs: each fills by what is accepted and drains by its limit in its
-- period. Who was idle may take the whole limit at once, and from then on as much as drains (GCRA, kept as the level
-- instead of the time at which it is empty, which stays right when the limit changes).
local PERIODS = { 60000, 60000, 86400000, 86400000 }
-- What sums of fractions may be wrong by.
local EPSILON = 0.001

-- Counts a request, and with it a job: gives what refuses it, or nil and what is left. A request is counted also where
-- its job does not fit.
local function limited(isJob)
  local exact = time[1] * 1000 + time[2] / 1000
  local kept = redis.call('HMGET', KEYS[13], 'at', 'levels', 'limits')
  local plan = {}
  for word in string.gmatch(ARGV[17], '%S+') do plan[#plan + 1] = word end
  local passed = math.max(0, exact - (tonumber(kept[1]) or exact))
  local before = { string.match(kept[2] or '0 0 0 0', '(%S+) (%S+) (%S+) (%S+)') }
  local gpu = isJob and tonumber(ARGV[18]) or 0
  local costs, left, refused = { 1, gpu, gpu, isJob and 1 or 0 }, {}, nil
  for i, period in ipairs(PERIODS) do
    local limit = tonumber(plan[2 + i])
    local level = limit and math.max(0, before[i] - passed * limit / period) or 0
    before[i], left[i] = level, limit and math.floor(limit - level + EPSILON) or -1
    if limit and costs[i] > 0 and level + costs[i] > limit + EPSILON and not refused then
      local wait = costs[i] > limit and -1 or math.ceil((level + costs[i] - limit) * period / limit)
      refused = { 'limited', i - 1, left[i], wait }
    end
  end
  local most = tonumber(plan[7])
  if isJob then left[5] = most and most - redis.call('ZCARD', KEYS[5]) or -1 end
  if isJob and most and left[5] <= 0 and not refused then refused = { 'limited', 4, 0, -1 } end

  if refused and refused[2] == 0 and kept[3] == ARGV[17] then
    -- Nothing is counted, so nothing is written: whoever goes on asking has Redis sync no disk.
    refused[5] = left
    return refused
  end
  for i = 1, 4 do
    local added = (not refused or (i == 1 and refused[2] > 0)) and costs[i] or 0
    before[i] = before[i] + added
    if left[i] >= 0 then left[i] = left[i] - added end
  end
  if left[5] and left[5] > 0 and not refused then left[5] = left[5] - 1 end
  local at, levels = string.format('%.3f', exact), string.format('%.6f %.6f %.6f %.6f', unpack(before))
  if kept[3] == ARGV[17] then
    redis.call('HSET', KEYS[13], 'at', at, 'levels', levels)
  else
    redis.call('HSET', KEYS[13], 'at', at, 'levels', levels, 'limits', ARGV[17], 'weight', plan[2], 'running', plan[8],
      'gpuMinuteLimit', plan[4], 'gpuDayLimit', plan[5])
  end
  -- Longer than the slowest drains, and than the job may be open. Never shortened.
  local life = 2 * math.max(86400000, tonumber(ARGV[4]) or 0)
  if redis.call('PTTL', KEYS[13]) < life / 2 then redis.call('PEXPIRE', KEYS[13], life) end
  if refused then
    refused[5] = left
    return refused
  end
  return nil, left
end

local planned = ARGV[17] ~= ''
local entry = redis.call('HMGET', KEYS[1], 'id', 'fingerprint')
if entry[1] then
  if entry[2] ~= ARGV[3] then return planned and limited(false) or { 'reused', entry[1] } end
  local record = redis.call('HGETALL', tag .. 'job:' .. entry[1])
  if #record == 0 then return planned and limited(false) or { 'deleted', entry[1] } end
  local waits = redis.call('HGET', tag .. 'job:' .. entry[1], 'status') == 'QUEUED'
  local spare = waits and redis.call('ZSCORE', FAIR .. 'spare', entry[1])
  return { 'replayed', record, spare and entry[1] or '' }
end
if id == '' then return planned and limited(false) or { 'none' } end

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

local refusal, leftOfPlan
if planned then
  refusal, leftOfPlan = limited(true)
  if refusal then return refusal end
end
-- Redis checks its memory only before the first write of a script. That write must need memory: otherwise a full Redis
-- would accept the whole job, and then refuse to queue it.
redis.call('HSET', KEYS[1], 'id', id, 'fingerprint', ARGV[3])
-- Never shortened: records of longer-lived jobs name it too.
if left and left >= 0 and left < tonumber(ARGV[7]) then redis.call('PEXPIRE', KEYS[9], ARGV[7]) end
redis.call('PEXPIRE', KEYS[1], keep)
redis.call('HSET', KEYS[2], 'status', 'QUEUED', 'seq', 1, 'createdAt', now, 'deadlineAt', now + deadline,
  'artifacts', '[]', 'error', '', 'timings', '[]', 'attempts', 0, 'failures', 0, 'takeovers', 0, 'lease', 0,
  'submission', '', 'waits', 'false', 'cancelRequestedAt', '', 'startedAt', '', 'claimedAt', '', 'finishedAt', '',
  'expiresAt', '', unpack(ARGV, 19))
if noneOpen then redis.call('DEL', KEYS[11]) end
if planned then
  if noneOpen then redis.call('DEL', KEYS[14]) end
  redis.call('HINCRBY', KEYS[14], ARGV[16], ARGV[18])
end
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
return { 'created', now, Fair.accept(Fair.read(id), id, now), leftOfPlan }
