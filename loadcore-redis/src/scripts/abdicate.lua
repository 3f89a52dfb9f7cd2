-- Ends the lead of the caller, if it leads. KEYS: leader. ARGV: term, controller.
local leads = redis.call('HMGET', KEYS[1], 'term', 'controller')
if leads[1] == ARGV[1] and leads[2] == ARGV[2] then
  return redis.call('DEL', KEYS[1])
end
return 0
