-- Reads a job and its log in one step. A transaction would do the same, but while Redis's memory is full it refuses
-- transactions, even those that only read.
-- KEYS  1 record  2 event log
-- ARGV  1 the number behind which the events are wanted  2 '1' where the parameters are known, which may be large,
-- packed too, as an ended job has them
-- gives {record's fields and values in turn, the oldest entry or none, the entries behind that number}
local record
if ARGV[2] == '1' then
  record = {}
  for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    if name ~= 'parameters' and name ~= 'packed' then
      record[#record + 1] = name
      record[#record + 1] = redis.call('HGET', KEYS[1], name)
    end
  end
else
  record = redis.call('HGETALL', KEYS[1])
end
return {
  record,
  redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1),
  redis.call('XRANGE', KEYS[2], '(' .. ARGV[1], '+'),
}
