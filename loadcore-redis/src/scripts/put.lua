-- Takes a snapshot down if it is newer, and answers which is durable; 'closed' for a run that has ended.
-- KEYS: the run's journal, newest, durable and plan; the results of all runs.
-- ARGV: field of worker and epoch, number in twenty digits, record, most results, life of the keys (ms).
if #redis.call('XRANGE', KEYS[1], '1-1', '1-1') > 0 then
  return 'closed'
end
local stored = redis.call('HGET', KEYS[2], ARGV[1])
local number = stored and number_of(stored, ARGV[1])
if not number or number < ARGV[2] then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
  redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[4], '*', 'snapshot', ARGV[3])
  for _, key in ipairs(KEYS) do
    redis.call('PEXPIRE', key, ARGV[5])
  end
end
return redis.call('HGET', KEYS[3], ARGV[1]) or '0'
