-- Puts a run's plan and journal in place, whatever stood there. Line n of a journal has the id 0-(n+1), its
-- end 1-1.
-- KEYS: term, plan, journal. ARGV: term, life of the keys (ms), plan, lines.
redis.call('DEL', KEYS[3])
for n = 4, #ARGV do
  redis.call('XADD', KEYS[3], '0-' .. (n - 3), 'entry', ARGV[n])
end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return 1
