-- Takes a task that was delivered to somebody who then vanished before taking it.
-- KEYS: tasks. ARGV: group, for how long it must have lain (ms).
local lying = redis.pcall('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[2], '-', '+', 1)
if lying.err then
  return lying
end
if not lying[1] then
  return {}
end
local id = lying[1][1]
local task = redis.call('XRANGE', KEYS[1], id, id)
redis.call('XACK', KEYS[1], ARGV[1], id)
redis.call('XDEL', KEYS[1], id)
return task
