-- Leaves of a run its end alone: a journal of one entry, whose id is greater than that of any other,
-- so that it is read from wherever one asks.
-- KEYS: term, plan, journal, newest, durable, tasks. ARGV: term, group, run, entry, how long to keep it (ms).
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
withdraw(KEYS[6], ARGV[2], ARGV[3])
redis.call('XADD', KEYS[3], '1-1', 'entry', ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[5])
return 1
