-- Appends to a journal at its length; what repeats what stands there changes nothing.
-- KEYS: term, plan, journal. ARGV: term, life of the keys (ms), number of the first entry, entries.
local at, given = tonumber(ARGV[3]), #ARGV - 3
local length = redis.call('XLEN', KEYS[3])
if redis.call('EXISTS', KEYS[2]) == 0 or at > length then
  return redis.error_reply('CONFLICT the journal is shorter')
end
if at < length then
  if at + given > length then
    return redis.error_reply('CONFLICT the journal has other entries')
  end
  for n = 1, given do
    local id = '0-' .. (at + n)
    local stored = redis.call('XRANGE', KEYS[3], id, id)[1]
    if not stored or stored[2][2] ~= ARGV[n + 3] then
      return redis.error_reply('CONFLICT the journal has other entries')
    end
  end
  return 0
end
for n = 1, given do
  redis.call('XADD', KEYS[3], '0-' .. (at + n), 'entry', ARGV[n + 3])
end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return given
