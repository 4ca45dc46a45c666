-- Makes a user a member. Another membership of the user ends with it, without notices if it is in the
-- same room. Repeating the call changes nothing.
-- ARGV: room, fresh epoch, known head, deadline (ms), node, membership, user_id, name, what the name
-- looks like, 'silent' or '', caller (6)
-- A silent join registers a member that Redis should know: it appends no notice and changes no record
-- of another live node.
-- Returns 'joined', epoch, last id before, whether the room got no notice (1, 0), the membership that ended;
-- or 'late', 'taken'; or of a silent join, 'over' (another node's has taken over from it), 'superseded' (by
-- a newer one of the same node), 'elsewhere' (another node has one that it may have to end).
local room, node, member, user, name, looks = ARGV[1], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local silent, by = ARGV[10] == 'silent', caller_from(11)
if is_late(ARGV[4]) then return { 'late' } end
local log = open_log(room, ARGV[2], ARGV[3])
local here = P .. ':node:' .. node
if redis.call('HEXISTS', here, member) == 1 then
  return { 'joined', log.epoch, digits(log.head), 0, '' }
end
local before, was = redis.call('HGET', P .. ':users', user), nil
local was_node, was_member
if before then
  was_node, was_member = string.match(before, '^(%S+) (%S+)$')
  local found = was_node and redis.call('HGET', P .. ':node:' .. was_node, was_member)
  if found then was = parts_of(found) end
end
if silent then
  if redis.call('EXISTS', P .. ':over:' .. member) == 1 then return { 'over' } end
  if was and was_node == node then
    if serial(was_member) > serial(member) then return { 'superseded' } end
  elseif was and redis.call('EXISTS', P .. ':lease:' .. was_node) == 1 then
    return { 'elsewhere' }
  end
end
if is_taken(room, looks, user) then
  if not silent then return { 'taken' } end
  looks = ''
end
if was then
  local notified_log = not silent and was.room ~= room and open_log(was.room, ARGV[2], 0) or nil
  remove(silent and 'reaped' or 'left', was_node, was_member, was, notified_log, by)
  if not silent and was_node ~= node then take_over(was_member) end
end
-- A node that was away for long may return with members that have been reaped. Only this key then says
-- that one of them has been taken over.
local reaped = redis.call('GET', P .. ':reaped:' .. user)
if reaped then
  redis.call('DEL', P .. ':reaped:' .. user)
  if not silent and node_of(reaped) ~= node then take_over(reaped) end
end
redis.call('HSET', here, member, record(room, user, name, looks))
redis.call('HSET', P .. ':users', user, node .. ' ' .. member)
take_names(room, looks, user)
redis.call('HINCRBY', log.meta, 'members', 1)
send_state('joined', room, member, user, name, node)
local position, untold = digits(log.head), 0
if not silent then
  if not has_notices(by, live_members(log.meta)) then
    untold = (was and was.room == room) and 0 or 1
  elseif not (was and was.room == room) then
    append(log, by, 'joined', user, name, member, '')
  elseif was.name ~= name then
    append(log, by, 'renamed', user, name, member, was.name)
  end
end
return { 'joined', log.epoch, position, untold, was and was_member or '' }
