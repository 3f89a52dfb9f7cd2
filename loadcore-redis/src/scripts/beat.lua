-- Takes a worker's report down and answers when, in microseconds.
-- KEYS: reports by worker, times by worker.
-- ARGV: worker, number of the beat in twenty digits, report, how long to keep it (ms), life of the keys (ms).
local time = redis.call('TIME')
local now_us = time[1] .. string.format('%06d', time[2])
local now_ms = tonumber(string.sub(now_us, 1, -4))
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if stored then
  -- Overtaken by the worker's goodbye, or by a later beat.
  local newer = string.match(stored, '^(%d+) ')
  if stored == 'left' or (newer and newer > ARGV[2]) then
    return now_us
  end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. now_us .. ' ' .. ARGV[3])
redis.call('ZADD', KEYS[2], now_ms, ARGV[1])
-- Those that were silent for long go, a few with each beat.
local silent = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now_ms - tonumber(ARGV[4]), 'LIMIT', 0, 16)
for _, worker in ipairs(silent) do
  redis.call('HDEL', KEYS[1], worker)
  redis.call('ZREM', KEYS[2], worker)
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return now_us
