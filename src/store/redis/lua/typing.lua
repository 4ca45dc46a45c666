-- Tells the other nodes that a member types, or no longer.
-- ARGV: room, node, membership, 'typing' or 'idle'
local found = redis.call('HGET', P .. ':node:' .. ARGV[2], ARGV[3])
if not found then return { 'gone' } end
tell_state(ARGV[4], ARGV[1], ARGV[3], '', '', ARGV[2])
return { 'told' }
