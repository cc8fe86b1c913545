-- Fair share, which other scripts have in front of them: whose job the next free server gets. See docs/fair-share.md.
-- All times are whole microseconds of GPU time, divided by the caller's weight.
--   fair:ready         callers with jobs that may start, by their tags: what they have had
--   fair:second        of those with two jobs or more, the tags that they will have when the second one starts
--   fair:several       the number of jobs of each of these
--   fair:idle          callers with neither jobs in the queue nor running, whose tags are ahead of the clock
--   fair:clock         the tag of the last caller whose turn it was, less what is unsettled of it: who comes begins
--                      here, so that nobody saves up
--   fair:caller:<it>   {tag, load: charges of its jobs in the queue, unsettled: charges that have not been corrected}
--   fair:jobs:<it>     its jobs in the queue that no ticket has, by priority and time
--   fair:taken:<it>    its jobs that a worker was given with a ticket, and has neither claimed nor parked yet
--   fair:queued        the number of jobs that no ticket has
--   fair:spare         tickets that have no job, by the time at which they were made
--   fair:ticket:<it>   the job that a ticket has
-- In a job's record: `ticket`, the one that it has, and `charged`, what its caller was charged when it got it. A ticket
-- that is put back with a delay keeps its job, which is parked: charged, but not counted as running.
local TAG = ARGV[1]
local FAIR = TAG .. 'fair:'
local Fair = {}
-- Tickets without a job. Each that is used makes the next one, so servers that come free at once need no more.
local MOST_SPARE = 100
-- Between the priorities of a caller's jobs: times in milliseconds are smaller.
local PRIORITY = 2 ^ 43
-- For estimates that are missing.
local USUAL_MS = 1000

-- tostring() would round it to 14 digits.
local function exact(number) return string.format('%.0f', number) end

local function whole(ms, weight)
  local share = tonumber(weight)
  return math.floor(ms * 1000 / (share and share > 0 and share or 1))
end

-- The fields of a job that decide its place.
function Fair.read(id)
  local read = redis.call('HMGET', TAG .. 'job:' .. id, 'status', 'caller', 'ticket', 'charged', 'gpuMs', 'weight',
    'order', 'createdAt', 'claimedAt', 'deadlineAt')
  return {
    id = id, status = read[1], caller = read[2], ticket = read[3], charged = read[4], weight = read[6],
    charge = math.max(1, whole(tonumber(read[5]) or USUAL_MS, read[6])),
    place = math.floor((tonumber(read[7]) or 0) / 500000) * PRIORITY + (tonumber(read[8]) or 0),
    claimedAt = tonumber(read[9]), deadlineAt = tonumber(read[10]),
  }
end

local function clock() return tonumber(redis.call('GET', FAIR .. 'clock') or 0) end

-- A caller has its turn. Estimates that turn out too long are given back to it: whoever comes meanwhile, and began
-- where they had put the clock, would wait until it has used up what it was given back.
function Fair.advance(caller, tag)
  -- Below 0 after jobs that a version without it has charged.
  local unsettled = tonumber(redis.call('HGET', FAIR .. 'caller:' .. caller, 'unsettled')) or 0
  local settled = tag - math.max(0, unsettled)
  if settled > clock() then redis.call('SET', FAIR .. 'clock', exact(settled)) end
end

-- Whether as many of a caller's jobs run, or are about to, as its plan allows.
function Fair.full(caller)
  local most = tonumber(redis.call('HGET', TAG .. 'plan:' .. caller, 'running'))
  if not most then return false end
  local running = redis.call('ZCARD', TAG .. 'jobs:' .. caller .. ':RUNNING')
  local taken = FAIR .. 'taken:' .. caller
  if running + redis.call('SCARD', taken) < most then return false end
  -- Those that a version without fair share has moved are taken no more.
  for _, id in ipairs(redis.call('SMEMBERS', taken)) do
    if redis.call('HGET', TAG .. 'job:' .. id, 'status') ~= 'QUEUED' then redis.call('SREM', taken, id) end
  end
  return running + redis.call('SCARD', taken) >= most
end

-- Lists a caller where it belongs, after any change to its jobs or its tag.
function Fair.settle(caller)
  local key = FAIR .. 'caller:' .. caller
  local state = redis.call('HMGET', key, 'tag', 'load', 'unsettled')
  local tag, load = tonumber(state[1]) or 0, tonumber(state[2]) or 0
  local queued = redis.call('ZCARD', FAIR .. 'jobs:' .. caller)
  local listed = redis.call('ZSCORE', FAIR .. 'ready', caller)
  if queued > 0 and not Fair.full(caller) then
    if not listed then
      tag = math.max(tag, clock())
      redis.call('HSET', key, 'tag', exact(tag))
      redis.call('ZREM', FAIR .. 'idle', caller)
    end
    redis.call('ZADD', FAIR .. 'ready', exact(tag), caller)
    if queued > 1 then
      redis.call('ZADD', FAIR .. 'second', exact(tag + math.max(1, math.floor(load / queued))), caller)
      redis.call('HSET', FAIR .. 'several', caller, queued)
    elseif listed then
      redis.call('ZREM', FAIR .. 'second', caller)
      redis.call('HDEL', FAIR .. 'several', caller)
    end
    return
  end
  if listed then
    redis.call('ZREM', FAIR .. 'ready', caller)
    redis.call('ZREM', FAIR .. 'second', caller)
    redis.call('HDEL', FAIR .. 'several', caller)
  end
  if queued > 0 then return end
  redis.call('HDEL', key, 'load')
  if (tonumber(state[3]) or 0) > 0 then return end
  if tag > clock() then
    redis.call('ZADD', FAIR .. 'idle', exact(tag), caller)
  else
    redis.call('ZREM', FAIR .. 'idle', caller)
    redis.call('DEL', key)
  end
end

-- Puts a job that no ticket has into its place, or takes it out.
function Fair.enter(job)
  if redis.call('ZADD', FAIR .. 'jobs:' .. job.caller, exact(job.place), job.id) == 0 then return end
  redis.call('HINCRBY', FAIR .. 'caller:' .. job.caller, 'load', exact(job.charge))
  redis.call('INCR', FAIR .. 'queued')
end

function Fair.leave(job, caller)
  if redis.call('ZREM', FAIR .. 'jobs:' .. caller, job.id) == 0 then return end
  redis.call('HINCRBY', FAIR .. 'caller:' .. caller, 'load', exact(-job.charge))
  redis.call('DECR', FAIR .. 'queued')
end

function Fair.bind(job, ticket)
  redis.call('HSET', TAG .. 'job:' .. job.id, 'ticket', ticket)
  -- The sweeper ends a job at its deadline. The ticket of one that was running is delivered again until then, so that
  -- its prompt is cancelled.
  redis.call('SET', FAIR .. 'ticket:' .. ticket, job.id, 'PXAT', exact(job.deadlineAt + 3600000))
end

-- A job is about to start: counts it, and charges its caller for it once.
function Fair.take(job)
  if job.status == 'QUEUED' then redis.call('SADD', FAIR .. 'taken:' .. job.caller, job.id) end
  if job.charged then return end
  local key = FAIR .. 'caller:' .. job.caller
  local tag = tonumber(redis.call('HGET', key, 'tag')) or 0
  if not redis.call('ZSCORE', FAIR .. 'ready', job.caller) then tag = math.max(tag, clock()) end
  redis.call('HSET', key, 'tag', exact(tag + job.charge))
  redis.call('HINCRBY', key, 'unsettled', exact(job.charge))
  redis.call('HSET', TAG .. 'job:' .. job.id, 'charged', exact(job.charge))
end

-- What a job's caller was charged for it is corrected no more.
function Fair.settleCharge(job, caller)
  if not job.charged then return end
  redis.call('HINCRBY', FAIR .. 'caller:' .. caller, 'unsettled', exact(-job.charged))
  redis.call('HDEL', TAG .. 'job:' .. job.id, 'charged')
end

-- Puts what a job has used, in milliseconds, in the place of what its caller was charged for it.
function Fair.correct(job, used)
  if not job.charged then return end
  redis.call('HINCRBY', FAIR .. 'caller:' .. job.caller, 'tag', exact(whole(used, job.weight) - job.charged))
  Fair.settleCharge(job, job.caller)
end

-- The id of a ticket that is to be added to the queue, '' where there are enough.
function Fair.want(ticket, now)
  local spare = redis.call('ZCARD', FAIR .. 'spare')
  if spare >= MOST_SPARE or spare >= (tonumber(redis.call('GET', FAIR .. 'queued')) or 0) then return '' end
  if redis.call('EXISTS', FAIR .. 'ready') == 0 then return '' end
  redis.call('ZADD', FAIR .. 'spare', now, ticket)
  return ticket
end

-- A job is in the queue that no ticket has. Gives `want`.
function Fair.accept(job, ticket, now)
  Fair.enter(job)
  Fair.settle(job.caller)
  return Fair.want(ticket, now)
end

-- Follows a change of a job's status, which its caller's indexes already show. `used`: what it took of a server in
-- milliseconds, nil where it does not say. `held`: its ticket's holder has changed it. Gives `want`.
function Fair.moved(id, to, used, held, now)
  local job = Fair.read(id)
  local ended = to ~= 'QUEUED' and to ~= 'RUNNING'
  if not job.ticket then
    if to == 'QUEUED' then Fair.enter(job) else Fair.leave(job, job.caller) end
  else
    redis.call('SREM', FAIR .. 'taken:' .. job.caller, id)
    if ended then
      local since = job.status == 'RUNNING' and job.claimedAt
      Fair.correct(job, used or (since and math.max(0, now - since)) or 0)
    end
    if ended and held then
      redis.call('DEL', FAIR .. 'ticket:' .. job.ticket)
      redis.call('HDEL', TAG .. 'job:' .. id, 'ticket')
    end
  end
  Fair.settle(job.caller)
  return Fair.want(id .. '-' .. now, now)
end
