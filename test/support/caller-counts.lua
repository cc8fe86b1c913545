-- What is kept of each caller that has open jobs or something reserved, beside what its jobs' records say, in one step.
-- ARGV  1 tag
-- gives JSON: see caller-counts.ts
local tag = ARGV[1]
local fair = tag .. 'fair:'
local callers, waiting = {}, 0

local function of(name)
  if not callers[name] then
    local jobs = tag .. 'jobs:' .. name .. ':'
    local listed = redis.call('ZCARD', fair .. 'jobs:' .. name)
    waiting = waiting + listed
    callers[name] = {
      reserved = tonumber(redis.call('HGET', tag .. 'reserved', name)) or 0,
      queued = redis.call('ZCARD', jobs .. 'QUEUED'),
      running = redis.call('ZCARD', jobs .. 'RUNNING'),
      listed = listed,
      taken = redis.call('SCARD', fair .. 'taken:' .. name),
      open = { gpuMs = 0, queued = 0, running = 0, waits = 0, new = 0 },
    }
  end
  return callers[name]
end

local reserved = redis.call('HKEYS', tag .. 'reserved')
for _, name in ipairs(reserved) do of(name) end
for _, id in ipairs(redis.call('ZRANGE', tag .. 'open', 0, -1)) do
  local job = redis.call('HMGET', tag .. 'job:' .. id, 'caller', 'status', 'gpuMs', 'ticket', 'attempts')
  if job[1] then
    local open = of(job[1]).open
    open.gpuMs = open.gpuMs + (tonumber(job[3]) or 0)
    if job[2] == 'RUNNING' then open.running = open.running + 1 else open.queued = open.queued + 1 end
    if job[2] == 'QUEUED' and not job[4] then open.waits = open.waits + 1 end
    if job[2] == 'QUEUED' and job[5] == '0' then open.new = open.new + 1 end
  end
end
return cjson.encode({
  callers = callers,
  waiting = waiting,
  queued = tonumber(redis.call('GET', fair .. 'queued')) or 0,
})
