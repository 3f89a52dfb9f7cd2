-- KEYS[1] is the greatest term that has led, ARGV[1] the caller's, in twenty digits.
local greatest = redis.call('GET', KEYS[1])
if greatest and ARGV[1] < greatest then
  return redis.error_reply('SUPERSEDED ' .. greatest)
end
