-- Marks a member whose connection is lost: it is not counted towards the limit of notices any more.
-- ARGV: room, node, membership
if redis.call('HEXISTS', P .. ':node:' .. ARGV[2], ARGV[3]) == 0 then return { 'gone' } end
if redis.call('SADD', P .. ':held', ARGV[3]) == 1 then
  redis.call('HINCRBY', room_key(ARGV[1], 'meta'), 'held', 1)
end
return { 'held' }
