-- Forgets a worker's newest snapshot, if it has this number.
-- KEYS: term, newest. ARGV: term, field of worker and epoch, number in twenty digits.
local stored = redis.call('HGET', KEYS[2], ARGV[2])
if stored and string.sub(stored, 1, 20) == ARGV[3] then
  return redis.call('HDEL', KEYS[2], ARGV[2])
end
return 0
