-- Claims pictures to be made of artifacts, at most so many of each artifact. One that is claimed already stays so.
-- KEYS  the set of each claim's artifact; may repeat
-- ARGV  1 most of one artifact, then for each key: the variant's name, and when the set expires in ms since 1970
-- gives a list of 1 (claimed) and 0 (there are enough)
local most = tonumber(ARGV[1])
local answers = {}
for i, key in ipairs(KEYS) do
  local name, expiresAt = ARGV[2 * i], ARGV[2 * i + 1]
  if redis.call('SISMEMBER', key, name) == 1 then
    answers[i] = 1
  elseif redis.call('SCARD', key) >= most then
    answers[i] = 0
  else
    redis.call('SADD', key, name)
    redis.call('PEXPIREAT', key, expiresAt)
    answers[i] = 1
  end
end
return answers
