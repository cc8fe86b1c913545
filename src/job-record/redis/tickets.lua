-- What the queue must hold so that each of some open jobs, and the backlog, gets its turn.
-- KEYS  1 fair:spare
-- ARGV  1 tag  2 spare tickets made before this time, in milliseconds, then ids of open jobs
-- gives {tickets, ids of jobs that have none and wait in no caller's queue, ids of jobs without a record}
local tickets, strays, gone = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[2], 'BYSCORE'), {}, {}
local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
for i = 1, MOST_SPARE do
  local ticket = Fair.want('spare-' .. now .. '-' .. i, now)
  if ticket == '' then break end
  tickets[#tickets + 1] = ticket
end
for i = 3, #ARGV do
  local job = redis.call('HMGET', TAG .. 'job:' .. ARGV[i], 'status', 'caller', 'ticket')
  if not job[1] then
    gone[#gone + 1] = ARGV[i]
  elseif job[3] then
    tickets[#tickets + 1] = job[3]
  elseif not redis.call('ZSCORE', FAIR .. 'jobs:' .. job[2], ARGV[i]) then
    strays[#strays + 1] = ARGV[i]
  end
end
return { tickets, strays, gone }
