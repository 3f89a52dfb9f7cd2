-- KEYS: term, tasks. ARGV: term, group, run.
withdraw(KEYS[2], ARGV[2], ARGV[3])
return 1
