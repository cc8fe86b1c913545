-- Writes for a minute, and gives the error as an answer: an error would have the connection look for another master.
-- KEYS  1 what is written
-- gives '' or the error
local reply = redis.pcall('SET', KEYS[1], '', 'PX', 60000)
return reply.err or ''
