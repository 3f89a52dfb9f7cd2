-- Notes which snapshots are durable. A run goes on whose snapshots come: what it is lives on with it.
-- KEYS: term, journal, durable, plan. ARGV: term, life of the keys (ms), field and words of each.
if #redis.call('XRANGE', KEYS[2], '1-1', '1-1') > 0 then
  return 0
end
for n = 3, #ARGV, 2 do
  redis.call('HSET', KEYS[3], ARGV[n], ARGV[n + 1])
end
for n = 2, #KEYS do
  redis.call('PEXPIRE', KEYS[n], ARGV[2])
end
return 1
