-- Takes a task that was delivered, unless it was withdrawn or taken by another since: answers 1 or 0.
-- KEYS: tasks. ARGV: group, id.
local taken = redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return taken
