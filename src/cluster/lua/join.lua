-- Makes somebody a member. Another membership of the user ends with it; in the same room, nobody is
-- told. Asked again, it changes nothing more.
-- ARGV: room, fresh epoch, known head, deadline (ms), node, membership, user_id, name, what the name
-- looks like, 'silent' (to be told to nobody, and not to end a younger one) or '', bounds (4)
local room, node, member, user, name, looks = ARGV[1], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local silent, bounds = ARGV[10] == 'silent', bounds_from(11)
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
-- Redis may have come back with a membership from before this one: then this one is the user's.
if silent and was and joined_ms(was_member) > joined_ms(member) then return { 'elsewhere' } end
if is_taken(room, looks, user) then
  if not silent then return { 'taken' } end
  looks = ''
end
if was then
  local told = not silent and was.room ~= room and open_log(was.room, ARGV[2], 0) or nil
  remove('left', was_node, was_member, was, node, told, bounds)
end
redis.call('HSET', here, member, record(room, user, name, looks))
redis.call('HSET', P .. ':users', user, node .. ' ' .. member)
take_names(room, looks, user)
redis.call('HINCRBY', log.meta, 'members', 1)
tell_state('joined', room, member, user, name, node)
local position, untold = digits(log.head), 0
if not silent then
  if not tells(bounds, live_members(log.meta)) then
    untold = (was and was.room == room) and 0 or 1
  elseif not (was and was.room == room) then
    append(log, bounds, 'joined', user, name, member, '')
  elseif was.name ~= name then
    append(log, bounds, 'renamed', user, name, member, was.name)
  end
end
return { 'joined', log.epoch, position, untold, was and was_member or '' }
