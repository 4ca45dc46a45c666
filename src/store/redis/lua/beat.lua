-- Renews a node's lease and looks round.
-- ARGV: node, lease (ms), and for each room: its name, epoch, and the oldest message and the oldest
-- notice that the node has in memory
-- Returns whether the lease still was (1, 0), the time (ms), whether there is memory for more (1, 0), and
-- the nodes whose lease is over.
local node = ARGV[1]
-- First: what follows a script's first write is done whether there is memory or not.
local probed = redis.pcall('SET', P .. ':probe', '1')
local has_room = type(probed) == 'table' and probed.err and string.find(probed.err, 'OOM') and 0 or 1
local alive = redis.call('PEXPIRE', P .. ':lease:' .. node, ARGV[2])
-- Nobody reaps where all nodes are gone for good.
redis.call('PEXPIRE', P .. ':node:' .. node, 24 * 3600 * 1000)
local dead = {}
for _, other in ipairs(redis.call('SMEMBERS', P .. ':nodes')) do
  if other ~= node and redis.call('EXISTS', P .. ':lease:' .. other) == 0 then dead[#dead + 1] = other end
end
-- Nothing is trimmed that a living node has in memory.
local living = { [node] = true }
local nodes = living_nodes()
for i = 1, #nodes, 2 do living[nodes[i]] = true end
for i = 3, #ARGV, 4 do
  local key, epoch = room_key(ARGV[i], 'kept'), redis.call('HGET', room_key(ARGV[i], 'meta'), 'epoch')
  local kept = epoch == ARGV[i + 1] and ARGV[i + 2] .. ' ' .. ARGV[i + 3] or '0 0'
  if redis.call('HGET', key, node) ~= kept then redis.pcall('HSET', key, node, kept) end
  for _, other in ipairs(redis.call('HKEYS', key)) do
    if not living[other] then redis.call('HDEL', key, other) end
  end
end
return { alive, digits(now_ms()), has_room, dead }
