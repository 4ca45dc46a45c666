-- Renews a node's lease and looks round.
-- ARGV: node, lease (ms)
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
note_bounds(living_nodes())
return { alive, digits(now_ms()), has_room, dead }
