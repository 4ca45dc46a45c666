-- Sends the other nodes that a member has started or stopped typing.
-- ARGV: room, node, membership, 'typing' or 'idle'
local found = redis.call('HGET', P .. ':node:' .. ARGV[2], ARGV[3])
if not found then return { 'gone' } end
send_state(ARGV[4], ARGV[1], ARGV[3], '', '', ARGV[2])
return { 'sent' }
