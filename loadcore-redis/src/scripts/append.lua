-- Appends to a journal at its length; what repeats what stands there changes nothing.
-- KEYS: term, plan, journal. ARGV: term, life of the keys (ms), number of the first line, lines.
local at, given = tonumber(ARGV[3]), #ARGV - 3
local length = redis.call('XLEN', KEYS[3])
if redis.call('EXISTS', KEYS[2]) == 0 or at > length then
  return redis.error_reply('CONFLICT the journal is shorter')
end
if at < length then
  if at + given > length then
    return redis.error_reply('CONFLICT the journal has other lines')
  end
  for n = 1, given do
    local id = '0-' .. (at + n)
    local stored = redis.call('XRANGE', KEYS[3], id, id)[1]
    if not stored or stored[2][2] ~= ARGV[n + 3] then
      return redis.error_reply('CONFLICT the journal has other lines')
    end
  end
  return 0
end
for n = 1, given do
  -- Somebody may have added a line of a later number, and removed it again.
  local added = redis.pcall('XADD', KEYS[3], '0-' .. (at + n), 'entry', ARGV[n + 3])
  if type(added) == 'table' and added.err then
    return redis.error_reply('CONFLICT the journal takes no such line')
  end
end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return given
