-- Keeps decisions and a line of the audit log, and sends them to all nodes:
--   v number, o decided, d key, t JSON or '' for one that is taken back
-- ARGV: deadline (ms), a name for this call, node, line of the audit log or '', time before which lines
-- may be deleted (ms), when the line was written (ms), then keys and JSON in turn
if is_late(ARGV[1]) then return { 'late' } end
local done = P .. ':decided:' .. ARGV[2]
if redis.call('EXISTS', done) == 1 then return { 'done' } end
redis.call('SET', done, '1', 'PX', 60000)
for i = 7, #ARGV, 2 do
  local key, value = ARGV[i], ARGV[i + 1]
  if value == '' then
    redis.call('HDEL', P .. ':decisions', key)
  else
    redis.call('HSET', P .. ':decisions', key, value)
  end
  redis.call('XADD', P .. ':state', 'MAXLEN', '~', STATE_KEPT, '*',
    'v', next_version(), 'o', 'decided', 'd', key, 't', value, 'by', ARGV[3])
end
if ARGV[4] ~= '' then
  local audit = P .. ':audit'
  for _, entry in ipairs(redis.call('XRANGE', audit, '-', '+', 'COUNT', 64)) do
    local at = tonumber(fields_of(entry).ts)
    if at and at >= tonumber(ARGV[5]) then break end
    redis.call('XDEL', audit, entry[1])
  end
  local id = redis.call('INCR', audit .. ':newest')
  redis.call('XADD', audit, 'MAXLEN', '~', AUDIT_KEPT, digits(id) .. '-0', 't', ARGV[4], 'ts', ARGV[6])
end
return { 'done' }
