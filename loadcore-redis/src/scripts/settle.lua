-- Removes results that have arrived, and answers those that were handed out and have not.
-- KEYS: term, results. ARGV: term, group, how many at most, ids that have arrived.
for n = 4, #ARGV do
  redis.call('XACK', KEYS[2], ARGV[2], ARGV[n])
  redis.call('XDEL', KEYS[2], ARGV[n])
end
local lying = redis.pcall('XPENDING', KEYS[2], ARGV[2], '-', '+', ARGV[3])
if lying.err then
  return lying
end
local found = {}
for _, one in ipairs(lying) do
  local result = redis.call('XRANGE', KEYS[2], one[1], one[1])[1]
  if result then
    found[#found + 1] = result
  else
    -- The stream was too long, and this was among the oldest.
    redis.call('XACK', KEYS[2], ARGV[2], one[1])
  end
end
return found
