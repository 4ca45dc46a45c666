-- Ends a membership, and tells the room.
-- ARGV: room, fresh epoch, known head, node, membership, bounds (5)
local node, member, bounds = ARGV[4], ARGV[5], bounds_from(6)
local found = redis.call('HGET', P .. ':node:' .. node, member)
if not found then return { 'gone' } end
local was = parts_of(found)
remove('left', node, member, was, node, open_log(was.room, ARGV[2], was.room == ARGV[1] and ARGV[3] or 0), bounds)
return { 'left' }
