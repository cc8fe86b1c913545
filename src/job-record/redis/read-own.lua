-- Reads a job for somebody who may see it. Of another's not a value is read, so that it takes as long as one that is
-- not there.
-- KEYS  1 record
-- ARGV  1 its caller  2 a tag that it must have ('': any)  then the names of the fields that are wanted; none: all
-- gives what HGETALL gives, with names HMGET; {} where there is no such job
local fields = redis.call('HMGET', KEYS[1], 'caller', 'tags')
if fields[1] ~= ARGV[1] then return {} end
if ARGV[2] ~= '' then
  local found = false
  for _, tag in ipairs(cjson.decode(fields[2])) do found = found or tag == ARGV[2] end
  if not found then return {} end
end
if #ARGV == 2 then return redis.call('HGETALL', KEYS[1]) end
return redis.call('HMGET', KEYS[1], unpack(ARGV, 3))
