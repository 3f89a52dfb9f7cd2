-- The number of a snapshot that stands under a field, in twenty digits; nil for what is no snapshot,
-- or not this worker's: it must not keep the worker's own from being taken down. What is looked at:
-- the number is one of 64 bits, and the line after it an object with all that it should have, of the
-- worker and epoch that the field names. What comes after the line is the controller's to judge.
local function number_of(stored, field)
  local number = string.match(stored, '^%d+', 1)
  if not number or #number ~= 20 or number > '18446744073709551615' then
    return nil
  end
  local line = string.match(stored, '^[^\n]*\n', 21)
  local is_json, head = pcall(cjson.decode, line or '')
  local epoch, worker = string.match(field, '^(%d+)/(.*)$')
  if is_json and type(head) == 'table' and head.worker == worker and head.epoch == tonumber(epoch)
    and type(head.run) == 'string' and type(head.elapsedNs) == 'number'
    and type(head.isFinal) == 'boolean' then
    return number
  end
  return nil
end
