-- Ends a membership, and appends a notice.
-- ARGV: room, fresh epoch, known head, node, membership, kind of the notice, caller (6)
local node, member, by = ARGV[4], ARGV[5], caller_from(7)
local found = redis.call('HGET', P .. ':node:' .. node, member)
if not found then return { 'gone' } end
local was = parts_of(found)
remove('left', node, member, was, open_log(was.room, ARGV[2], was.room == ARGV[1] and ARGV[3] or 0), by,
  ARGV[6])
return { 'left' }
