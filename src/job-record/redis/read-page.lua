-- Reads the jobs of a page in one step, as many from the first on as may be read at once: what is large of a record is
-- looked at before it is read.
-- KEYS  records
-- ARGV  1 the most bytes, but for the first
-- gives for each that is read its fields and values in turn, {} where it is gone
local most, bytes, read = tonumber(ARGV[1]), 0, {}
for i, key in ipairs(KEYS) do
  -- Packed parameters are as large as they are when they have been read.
  local unpacked = redis.call('HGET', key, 'unpackedBytes')
  bytes = bytes + redis.call('HSTRLEN', key, 'parameters') + redis.call('HSTRLEN', key, 'artifacts')
  bytes = bytes + (unpacked and tonumber(unpacked) or 0)
  if i > 1 and bytes > most then break end
  read[i] = redis.call('HGETALL', key)
end
return read
