-- Takes a snapshot down if it is newer, and answers what the platform says of those that are durable.
-- KEYS: the run's newest; the results of all runs.
-- ARGV: field of worker and epoch, number in twenty digits, record, most results, life of the keys (ms); and
-- what is only read: the run's journal and its durable.
if #redis.call('XRANGE', ARGV[6], '1-1', '1-1') > 0 then
  return false
end
local stored = redis.call('HGET', KEYS[1], ARGV[1])
local number = stored and number_of(stored, ARGV[1])
if not number or number < ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'snapshot', ARGV[3])
  for _, key in ipairs(KEYS) do
    redis.call('PEXPIRE', key, ARGV[5])
  end
end
return redis.call('HGET', ARGV[7], ARGV[1])
