-- Takes the lock of a delivery again that expired while its worker could not renew it, since Redis was down or the
-- worker was stopped. It does not when the delivery is back in the queue or another worker has it, which the list of
-- active deliveries or the lock shows.
-- KEYS  1 list of active deliveries  2 lock  3 set of deliveries that may be stalled
-- ARGV  1 id  2 token  3 life of the lock ms
-- gives 1 (taken) or 0
if not redis.call('LPOS', KEYS[1], ARGV[1]) then
  return 0
end
if not redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3], 'NX') then
  return 0
end
redis.call('SREM', KEYS[3], ARGV[1])
return 1
