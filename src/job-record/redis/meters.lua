-- A caller's GPU time, which other scripts have in front of them: what is reserved for its open jobs, and the meters of
-- a minute and a day, on which accept.lua puts each job's estimate. `TAG` and `FAIR` are those of fair.lua.
local Meters = {}

function Meters.reserve(caller, gpuMs)
  redis.call('HINCRBY', TAG .. 'reserved', caller, string.format('%.0f', gpuMs))
end

function Meters.free(caller, gpuMs)
  -- Not of nothing, whose text would be -0.
  if gpuMs > 0 and redis.call('HINCRBY', TAG .. 'reserved', caller, string.format('%.0f', -gpuMs)) <= 0 then
    redis.call('HDEL', TAG .. 'reserved', caller)
  end
end

-- Corrects the meters by so many milliseconds. They are as they were at `at`, and what is put on them now has not
-- drained since then.
function Meters.add(caller, change)
  local plan = TAG .. 'plan:' .. caller
  local kept = redis.call('HMGET', plan, 'at', 'levels', 'gpuMinuteLimit', 'gpuDayLimit')
  if not kept[2] then return end
  local time = redis.call('TIME')
  local passed = math.max(0, time[1] * 1000 + time[2] / 1000 - kept[1])
  local levels = { string.match(kept[2], '(%S+) (%S+) (%S+) (%S+)') }
  for i, period in ipairs({ 60000, 86400000 }) do
    local level, limit = tonumber(levels[i + 1]), tonumber(kept[i + 2]) or 0
    if change > 0 then level = math.max(level, passed * limit / period) end
    levels[i + 1] = string.format('%.6f', level + change)
  end
  redis.call('HSET', plan, 'levels', table.concat(levels, ' '))
end
