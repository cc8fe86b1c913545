-- Takes the lock of a delivery again that ran out while its worker could not renew it: Redis was away, or the worker was stopped.
-- Not where the delivery is back in the queue or another's, which the lock or the list of those under way shows.
-- KEYS: the list of deliveries under way, the lock, the set of those suspected to be stalled. ARGV: id, token, milliseconds.
if not redis.call('LPOS', KEYS[1], ARGV[1]) then
  return 0
end
if not redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3], 'NX') then
  return 0
end
redis.call('SREM', KEYS[3], ARGV[1])
return 1
