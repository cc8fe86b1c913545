-- Gives a delivered ticket its job: the one that it has already, or else the next of the caller who has had the least.
-- KEYS  1 fair:ready
-- ARGV  1 tag  2 ticket
-- gives {record, or nothing where no job may start, ticket that is to be added or ''}
local ticket = ARGV[2]
local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
-- Comes first, and needs memory: a full Redis, in which no job can be claimed, then gives none away. Those that it
-- gave would wait to be delivered again, while others that came behind them start.
redis.call('ZADD', FAIR .. 'spare', 'XX', now, ticket)
redis.call('ZREM', FAIR .. 'spare', ticket)

local has = redis.call('GET', FAIR .. 'ticket:' .. ticket)
if has then
  local job = Fair.read(has)
  local open = job.status == 'QUEUED' or job.status == 'RUNNING'
  if not open then redis.call('DEL', FAIR .. 'ticket:' .. ticket) end
  if job.ticket == ticket then
    local parked = job.status == 'QUEUED'
      and redis.call('SISMEMBER', FAIR .. 'taken:' .. job.caller, has) == 0
    if not parked or not Fair.full(job.caller) then
      -- One that has ended is claimed once more, so that its prompt is cancelled.
      if open then
        Fair.take(job)
        Fair.settle(job.caller)
      end
      return { redis.call('HGETALL', TAG .. 'job:' .. has), '' }
    end
    -- It waits for its caller's turn, and its ticket serves others.
    Fair.correct(job, 0)
    redis.call('HDEL', TAG .. 'job:' .. has, 'ticket')
    redis.call('DEL', FAIR .. 'ticket:' .. ticket)
    Fair.enter(job)
    Fair.settle(job.caller)
  end
end

-- What another version has ended or moved is dropped on the way.
for _ = 1, 1000 do
  local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  local caller = first[1]
  if not caller then return { false, '' } end
  local id = redis.call('ZRANGE', FAIR .. 'jobs:' .. caller, 0, 0)[1]
  local job = id and Fair.read(id)
  if job and (job.status ~= 'QUEUED' or job.ticket) then
    Fair.leave(job, caller)
  elseif job and not Fair.full(caller) then
    Fair.advance(caller, tonumber(first[2]))
    Fair.leave(job, caller)
    Fair.take(job)
    Fair.bind(job, ticket)
    Fair.settle(caller)
    for _, idle in ipairs(redis.call('ZRANGE', FAIR .. 'idle', '-inf', exact(clock()), 'BYSCORE', 'LIMIT', 0, 2)) do
      redis.call('ZREM', FAIR .. 'idle', idle)
      redis.call('DEL', FAIR .. 'caller:' .. idle)
    end
    return { redis.call('HGETALL', TAG .. 'job:' .. id), Fair.want(id .. '-' .. now, now) }
  end
  Fair.settle(caller)
end
return { false, Fair.want(ticket .. '-' .. now, now) }
