-- Removes the tasks of a run, also those that were delivered and not taken yet.
local function withdraw(tasks, group, run)
  for _, task in ipairs(redis.call('XRANGE', tasks, '-', '+')) do
    if task[2][2] == run then
      redis.call('XACK', tasks, group, task[1])
      redis.call('XDEL', tasks, task[1])
    end
  end
end
