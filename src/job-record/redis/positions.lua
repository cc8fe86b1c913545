-- How many jobs will start before each of some, as things stand. Each caller's jobs count as long as they are estimated
-- on average.
-- KEYS  1 fair:ready
-- ARGV  1 tag, then ids of jobs
-- gives a number for each, -1 where it does not wait
local SECOND = FAIR .. 'second'
-- Callers with several jobs that are looked at one by one; of the others it is assumed that they are like these.
local MOST_LOOKED_AT = 500
local now = clock()
local known = {}

local function look(caller)
  if not known[caller] then
    local state = redis.call('HMGET', FAIR .. 'caller:' .. caller, 'tag', 'load')
    local jobs = redis.call('ZCARD', FAIR .. 'jobs:' .. caller)
    local ready = redis.call('ZSCORE', KEYS[1], caller)
    local tag = tonumber(state[1]) or 0
    known[caller] = {
      jobs = jobs, ready = ready, tag = ready and tag or math.max(tag, now),
      each = math.max(1, math.floor((tonumber(state[2]) or 0) / math.max(1, jobs))),
    }
  end
  return known[caller]
end

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

local function before(id, caller)
  local rank = redis.call('ZRANK', FAIR .. 'jobs:' .. caller, id)
  if not rank then return -1 end
  local own = look(caller)
  local start = own.tag + rank * own.each
  local count = rank + firstBefore(exact(start), caller)
  if own.ready and rank > 0 then count = count - 1 end
  local several = redis.call('ZRANGE', SECOND, '-inf', exact(start), 'BYSCORE', 'LIMIT', 0, MOST_LOOKED_AT)
  local further = 0
  for _, name in ipairs(several) do
    if name ~= caller then
      local other = look(name)
      local starts = (start - other.tag) / other.each
      local jobs = earlier(name, caller) and math.floor(starts) + 1 or math.ceil(starts)
      further = further + math.max(0, math.min(jobs, other.jobs) - 1)
    end
  end
  if #several == MOST_LOOKED_AT then
    further = math.floor(further * redis.call('ZCOUNT', SECOND, '-inf', exact(start)) / MOST_LOOKED_AT)
  end
  return count + further
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
