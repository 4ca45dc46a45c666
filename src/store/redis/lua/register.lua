-- Makes a node known, with a lease of some time.
-- ARGV: node, lease (ms), settings
-- Returns the memberships that it is known to have, and the nodes that live with their settings.
local lease = P .. ':lease:' .. ARGV[1]
-- Renewing takes no memory, so it works where Redis has none left.
if redis.call('PEXPIRE', lease, ARGV[2]) == 0 then
  redis.call('SADD', P .. ':nodes', ARGV[1])
  redis.call('SET', lease, '1', 'PX', ARGV[2])
end
if redis.call('HGET', P .. ':settings', ARGV[1]) ~= ARGV[3] then
  redis.call('HSET', P .. ':settings', ARGV[1], ARGV[3])
end
return { redis.call('HKEYS', P .. ':node:' .. ARGV[1]), living_nodes() }
