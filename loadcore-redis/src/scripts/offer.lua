-- Adds tasks of a run, as far as there is room.
-- KEYS: term, journal, tasks. ARGV: term, life of the keys (ms), run, how many, how many of all runs at most.
if #redis.call('XRANGE', KEYS[2], '1-1', '1-1') > 0 then
  return redis.error_reply('CONFLICT the run is closed')
end
local room = tonumber(ARGV[5]) - redis.call('XLEN', KEYS[3])
for _ = 1, math.min(tonumber(ARGV[4]), room) do
  redis.call('XADD', KEYS[3], '*', 'run', ARGV[3])
end
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return 1
