-- A job that its worker cannot start now goes back into the queue with its ticket: it counts as running no more. What
-- its caller was charged stays, so that others have their turns before that caller's next job.
-- KEYS  1 record
-- ARGV  1 tag  2 job id
-- gives the ticket that is to be added, or ''
local job = Fair.read(ARGV[2])
if not job.caller or redis.call('SREM', FAIR .. 'taken:' .. job.caller, job.id) == 0 then return '' end
local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
Fair.settle(job.caller)
return Fair.want(job.id .. '-' .. now, now)
