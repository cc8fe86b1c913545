-- How many jobs will start before each of some, as things stand. Each caller's jobs count as long as they are estimated
-- on average.
-- KEYS  1 fair:ready
-- ARGV  1 tag, then ids of jobs
-- gives a number for each, -1 where it does not wait
local SECOND = FAIR .. 'second'
-- Callers with several jobs that are looked at one by one; of the others it is assumed that they are like these.
local MOST_LOOKED_AT = 200

-- As Redis sorts what has one score; `<` goes by the language of the machine.
local function earlier(a, b)
  for i = 1, math.min(#a, #b) do
    if a:byte(i) ~= b:byte(i) then return a:byte(i) < b:byte(i) end
  end
  return #a < #b
end

-- Callers whose first jobs start before one that would start at `start`.
local function firstBefore(start, caller)
  local low = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. start)
  local high = redis.call('ZCOUNT', KEYS[1], '-inf', start)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if earlier(redis.call('ZRANGE', KEYS[1], middle, middle)[1], caller) then low = middle + 1 else high = middle end
  end
  return low
end

-- The further jobs of other callers that start before one that would start at `start`.
local function furtherBefore(start, caller)
  local several = redis.call('ZRANGE', SECOND, '-inf', exact(start), 'BYSCORE', 'LIMIT', 0, MOST_LOOKED_AT)
  if #several == 0 then return 0 end
  local tags = redis.call('ZMSCORE', KEYS[1], unpack(several))
  local seconds = redis.call('ZMSCORE', SECOND, unpack(several))
  local jobs = redis.call('HMGET', FAIR .. 'several', unpack(several))
  local further = 0
  for i, other in ipairs(several) do
    if other ~= caller then
      local starts = (start - tags[i]) / (seconds[i] - tags[i])
      local before = math.ceil(starts)
      if before == starts and earlier(other, caller) then before = before + 1 end
      further = further + math.min(before, tonumber(jobs[i])) - 1
    end
  end
  if #several < MOST_LOOKED_AT then return further end
  return math.floor(further * redis.call('ZCOUNT', SECOND, '-inf', exact(start)) / MOST_LOOKED_AT)
end

local function before(id, caller)
  local jobs = FAIR .. 'jobs:' .. caller
  local rank = redis.call('ZRANK', jobs, id)
  if not rank then return -1 end
  local own = redis.call('HMGET', FAIR .. 'caller:' .. caller, 'tag', 'load')
  local ready = redis.call('ZSCORE', KEYS[1], caller)
  local tag = ready and tonumber(ready) or math.max(tonumber(own[1]) or 0, clock())
  local start = tag + rank * math.max(1, math.floor((tonumber(own[2]) or 0) / redis.call('ZCARD', jobs)))
  local count = rank + firstBefore(exact(start), caller) + furtherBefore(start, caller)
  return ready and rank > 0 and count - 1 or count
end

local places = {}
for i = 2, #ARGV do
  local job = redis.call('HMGET', TAG .. 'job:' .. ARGV[i], 'status', 'caller', 'ticket')
  if job[1] ~= 'QUEUED' then
    places[i - 1] = -1
  elseif not job[3] then
    places[i - 1] = before(ARGV[i], job[2])
  else
    -- Parked: others do not wait for it. With a worker it waits no more.
    local taken = redis.call('SISMEMBER', FAIR .. 'taken:' .. job[2], ARGV[i]) == 1
    places[i - 1] = taken and -1 or tonumber(redis.call('GET', FAIR .. 'queued') or 0)
  end
end
return places
