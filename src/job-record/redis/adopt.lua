-- Takes over an open job that no ticket has and that is in no caller's queue: a version without fair share has accepted
-- or claimed it.
-- KEYS  1 record
-- ARGV  1 tag  2 job id
-- gives the ticket that is to be added, or ''
local id = ARGV[2]
local job = Fair.read(id)
if not job.caller or job.ticket then return '' end
local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
if job.status == 'QUEUED' then return Fair.accept(job, id, now) end
if job.status ~= 'RUNNING' then return '' end
-- Its worker is gone: whoever gets this ticket goes on with its prompt.
Fair.bind(job, id .. '-' .. now)
return id .. '-' .. now
