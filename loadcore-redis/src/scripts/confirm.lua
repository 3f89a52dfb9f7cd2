-- Notes which snapshots are durable.
-- KEYS: term, journal, durable. ARGV: term, life of the keys (ms), field and number of each.
if #redis.call('XRANGE', KEYS[2], '1-1', '1-1') > 0 then
  return 0
end
for n = 3, #ARGV, 2 do
  redis.call('HSET', KEYS[3], ARGV[n], ARGV[n + 1])
end
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return 1
