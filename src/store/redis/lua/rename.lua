-- Changes a member's name, and appends a notice. Repeating the call changes nothing.
-- ARGV: room, fresh epoch, known head, deadline (ms), node, membership, name, what it looks like,
-- caller (6)
local node, member, name, looks, by = ARGV[5], ARGV[6], ARGV[7], ARGV[8], caller_from(9)
if is_late(ARGV[4]) then return { 'late' } end
local found = redis.call('HGET', P .. ':node:' .. node, member)
if not found then return { 'gone' } end
local was = parts_of(found)
if was.name == name then return { 'renamed' } end
if is_taken(was.room, looks, was.user) then return { 'taken' } end
local log = open_log(was.room, ARGV[2], ARGV[3])
redis.call('HSET', P .. ':node:' .. node, member, record(was.room, was.user, name, looks))
give_up_names(was.room, was.looks, was.user)
take_names(was.room, looks, was.user)
send_state('renamed', was.room, member, was.user, name, node)
if has_notices(by, live_members(log.meta)) then
  append(log, by, 'renamed', was.user, name, member, was.name)
end
return { 'renamed' }
