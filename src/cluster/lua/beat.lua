-- Renews a node's lease and looks round.
-- ARGV: node, lease (ms)
-- Returns whether the lease still was (1, 0), the time (ms), and the nodes whose lease is over.
local node = ARGV[1]
local alive = redis.call('PEXPIRE', P .. ':lease:' .. node, ARGV[2])
-- Nobody reaps where all nodes are gone for good.
redis.call('PEXPIRE', P .. ':node:' .. node, 24 * 3600 * 1000)
local dead = {}
for _, other in ipairs(redis.call('SMEMBERS', P .. ':nodes')) do
  if other ~= node and redis.call('EXISTS', P .. ':lease:' .. other) == 0 then dead[#dead + 1] = other end
end
return { alive, digits(now_ms()), dead }
