-- Puts a mark in the place of a worker's report, so that a beat under way does not bring it back.
-- KEYS: reports by worker, times by worker. ARGV: worker, life of the keys (ms).
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], 'left')
redis.call('ZADD', KEYS[2], time[1] * 1000, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
