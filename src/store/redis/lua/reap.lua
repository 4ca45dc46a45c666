-- Ends memberships of a node whose lease is over, and appends notices to their rooms.
-- ARGV: node, how many at most, fresh epoch, caller (6)
-- Returns how many are left.
local node, by = ARGV[1], caller_from(4)
if redis.call('EXISTS', P .. ':lease:' .. node) == 1 then return 0 end
local here = P .. ':node:' .. node
local cursor, batch = '0', nil
repeat
  local page = redis.call('HSCAN', here, cursor, 'COUNT', ARGV[2])
  cursor, batch = page[1], page[2]
until #batch > 0 or cursor == '0'
for i = 1, #batch, 2 do
  local was = parts_of(batch[i + 1])
  if was.room then
    redis.call('SET', P .. ':reaped:' .. was.user, batch[i], 'PX', OVER)
    remove('reaped', node, batch[i], was, open_log(was.room, ARGV[3] .. '-' .. was.room, 0), by)
  else
    redis.call('HDEL', here, batch[i])
  end
end
local left = redis.call('HLEN', here)
if left == 0 then
  redis.call('SREM', P .. ':nodes', node)
  redis.call('HDEL', P .. ':settings', node)
end
return left
