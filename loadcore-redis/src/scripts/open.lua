-- Puts a run's plan and journal in place. Entry n of a journal has the id 0-(n+1), its end 1-1.
-- KEYS: term, plan, journal. ARGV: term, life of the keys (ms), plan, entries.
if #redis.call('XRANGE', KEYS[3], '1-1', '1-1') > 0 then
  return redis.error_reply('CONFLICT the run is closed')
end
local given = #ARGV - 3
local stored = redis.call('XRANGE', KEYS[3], '-', '+')
local agreed = 0
while agreed < given and agreed < #stored and stored[agreed + 1][2][2] == ARGV[agreed + 4] do
  agreed = agreed + 1
end
if agreed < given then
  if given <= #stored then
    return redis.error_reply('CONFLICT the journal has other entries')
  end
  -- The truth is what the controller brings, unless somebody knows more.
  if agreed < #stored then
    redis.call('DEL', KEYS[3])
    agreed = 0
  end
  for n = agreed + 1, given do
    redis.call('XADD', KEYS[3], '0-' .. n, 'entry', ARGV[n + 3])
  end
end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return 1
