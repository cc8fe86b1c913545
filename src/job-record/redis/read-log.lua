-- Reads a job and its log in one step. A transaction would do the same, but while Redis's memory is full it refuses
-- transactions, even those that only read.
-- KEYS  1 record  2 event log
-- ARGV  1 the number behind which the events are wanted
-- gives {record's fields and values in turn, the oldest entry or none, the entries behind that number}
return {
  redis.call('HGETALL', KEYS[1]),
  redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1),
  redis.call('XRANGE', KEYS[2], '(' .. ARGV[1], '+'),
}
