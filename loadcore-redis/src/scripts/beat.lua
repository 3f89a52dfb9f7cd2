-- Takes a worker's beat down and answers when, in microseconds. The controller removes those of long ago.
-- KEYS: beats by worker. ARGV: worker, what it says, life of the key (ms).
local time = redis.call('TIME')
local now_us = time[1] .. string.format('%06d', time[2])
redis.call('HSET', KEYS[1], ARGV[1], now_us .. ' ' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return now_us
