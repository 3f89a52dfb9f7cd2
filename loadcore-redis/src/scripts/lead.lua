-- Gives the lead to the caller unless another has it, and answers who leads.
-- KEYS: term, leader. ARGV: term, controller, what is known of it, lease (ms), life of the term (ms).
local who = redis.call('HGET', KEYS[2], 'controller')
if who and who ~= ARGV[2] then
  return redis.call('HGET', KEYS[2], 'leader')
end
redis.call('HSET', KEYS[2], 'controller', ARGV[2], 'term', ARGV[1], 'leader', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[5])
return ARGV[3]
